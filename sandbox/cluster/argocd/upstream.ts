import type { World } from '../../world.ts'

/** Fetches an upstream address by way of the world's mirror. @throws Error with the address and what came instead */
export async function fetchUpstream({ addresses }: World, address: string): Promise<Buffer> {
  const { host, port } = addresses.upstream
  const mirrored = `http://${host}:${port}/${address.replace(/^https:\/\//, '')}`
  const headers = { 'user-agent': 'argocd-repo-server (paper)' }
  const response = await fetch(mirrored, { headers }).catch((cause: Error) => {
    throw new Error(`Get "${address}": ${cause.message}`)
  })
  if (!response.ok) throw new Error(`failed to fetch ${address} : ${response.status} ${response.statusText}`)
  return Buffer.from(await response.arrayBuffer())
}
