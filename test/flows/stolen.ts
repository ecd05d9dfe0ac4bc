import { z } from 'zod'
import { Secret } from '../../lib/base/secret.ts'
import { connectStore, type Store, type StoreKey } from '../../lib/clients/s3.ts'
import { type TestBox, withBucket } from './box.ts'

// What a thief has of a SIMULATED cluster, and what it opens: each key alone, as whoever found it would use it.

/** The store, opened with a key. */
export const storeWith = (box: TestBox, key: StoreKey): Promise<Store> =>
  connectStore(box.env.REGROW_SPACES_URL?.replace('{region}', 'fra1') ?? '', 'fra1', key)

/** Names of a cluster's two buckets. */
export const bucketsOf = (box: TestBox, cluster = 'main') => ({
  velero: withBucket(box.dir, `<velero of ${cluster}>`),
  kit: withBucket(box.dir, `<kit of ${cluster}>`),
})

/** Which of the two buckets of a cluster a key opens. */
export async function opened(box: TestBox, key: StoreKey, cluster = 'main'): Promise<string[]> {
  const store = await storeWith(box, key)
  const found = await Promise.all(
    Object.entries(bucketsOf(box, cluster)).map(async ([use, name]) =>
      (await store.look(name)) === 'ours' ? [use] : [],
    ),
  )
  return found.flat()
}

const minted = z.object({ key: z.object({ access_key: z.string(), secret_key: z.string() }) })

/** What DigitalOcean answers to whoever has a token: the status of it. */
export async function asked(box: TestBox, token: string, request: string, body?: object): Promise<number> {
  const [method = '', path = ''] = request.split(' ')
  const answer = await fetch(`${box.env.REGROW_DIGITALOCEAN_URL}/v2/${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  await answer.text()
  return answer.status
}

/** Mints a Spaces key with the DigitalOcean token of the box. */
export async function mint(box: TestBox, name: string, grants: object[]): Promise<StoreKey> {
  const { key } = minted.parse(await box.cloud('POST', '/v2/spaces/keys', { name, grants }))
  return { accessKey: key.access_key, secretKey: new Secret(key.secret_key) }
}

/** A value of a Secret in a cluster, for whoever may read it. */
export async function secretIn(box: TestBox, kubeconfig: string, id: string, entry: string): Promise<string> {
  const [namespace = '', name = ''] = id.split('/')
  const path = `jsonpath={.data.${entry.replaceAll('.', '\\.')}}`
  const words = ['--kubeconfig', kubeconfig, 'get', 'secret', name, '-n', namespace, '-o', path]
  const ended = await box.run('kubectl', words)
  if (ended.code !== 0) throw new Error(ended.err)
  return Buffer.from(ended.out, 'base64').toString()
}

/** The Spaces key in a credentials file, as Velero has it. */
export function keyIn(file: string): StoreKey {
  const entry = (name: string) => new RegExp(`${name}\\s*=\\s*(\\S+)`).exec(file)?.[1] ?? ''
  return { accessKey: entry('aws_access_key_id'), secretKey: new Secret(entry('aws_secret_access_key')) }
}

/** Whether a kubeconfig opens its cluster. */
export const opensCluster = async (box: TestBox, kubeconfig: string): Promise<boolean> =>
  (await box.run('kubectl', ['--kubeconfig', kubeconfig, 'get', 'nodes', '-o', 'name'])).code === 0

/** Has the box know more tokens, or forget some. */
interface Hands {
  digitalocean: { tokens: Record<string, string[]>; revoked: string[] }
  githubTokens: string[]
  githubRevoked: string[]
}

/** The owner's hands in the two control panels: makes tokens and deletes them. */
export function handsIn(box: TestBox) {
  const state: Hands = { digitalocean: { tokens: {}, revoked: [] }, githubTokens: [], githubRevoked: [] }
  const apply = () => box.behave(state)
  return {
    makeToken: (token: string, may: string[] = ['.']) => {
      state.digitalocean.tokens[token] = may
      apply()
    },
    deleteToken: (token: string) => {
      state.digitalocean.revoked.push(token)
      apply()
    },
    makeGitHubToken: (token: string) => {
      state.githubTokens.push(token)
      apply()
    },
    deleteGitHubToken: (token: string) => {
      state.githubRevoked.push(token)
      apply()
    },
    /** From now on the owner uses another DigitalOcean token. */
    use: (token: string) =>
      Object.assign(box.env, { DIGITALOCEAN_TOKEN: token, DIGITALOCEAN_ACCESS_TOKEN: token }),
    useGitHub: (token: string) => Object.assign(box.env, { GITHUB_TOKEN: token }),
  }
}
