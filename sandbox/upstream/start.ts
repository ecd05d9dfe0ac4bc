import { readFileSync } from 'node:fs'
import {
  chartNames,
  chartOf,
  csiAddress,
  csiFiles,
  k3sAddress,
  k3sSumsAddress,
  versionsOf,
} from '../../lib/cluster/versions.ts'
import { behaviourOf } from '../behaviour.ts'
import { serve } from '../serve.ts'
import type { World } from '../world.ts'
import { chartArchive, chartIndex, sha256 } from './archive.ts'
import { csiManifests } from './csi.ts'
import { toYaml } from './manifest.ts'

/**
 * Serves what nodes and the operator's machine fetch from upstream, as a mirror does: `/<host>/<path>`. All of it is
 * made here, of paper, under the names and versions that are shipped; anything else is 404.
 * @param k3sFile a program to serve as k3s instead
 */
export async function startUpstream(world: World, k3sFile?: string): Promise<{ url: string }> {
  let made: ReturnType<typeof upstreamFiles> | undefined
  const { host, port } = world.addresses.upstream
  await serve(world, 'upstream', world.addresses.upstream, {
    fetch: async (request) => {
      if (request.method !== 'GET' && request.method !== 'HEAD') return new Response(null, { status: 405 })
      // Made with the first request: a run that changes nothing asks for none.
      made ??= upstreamFiles(k3sFile)
      const files = await made
      const path = decodeURIComponent(new URL(request.url).pathname.slice(1))
      const bytes = files.get(path)
      const { gone, corrupt } = behaviourOf(world)
      const isOneOf = (patterns: readonly string[]) => patterns.some((one) => new RegExp(one).test(path))
      if (!bytes || isOneOf(gone)) return new Response(`The box mirrors no ${path}\n`, { status: 404 })
      const headers = { 'content-type': 'application/octet-stream', 'content-length': String(bytes.length) }
      const body = new Uint8Array(isOneOf(corrupt) ? altered(bytes) : bytes)
      return new Response(request.method === 'HEAD' ? null : body, { headers })
    },
  })
  return { url: `http://${host}:${port}` }
}

/** Everything the mirror has, by address without `https://`. */
async function upstreamFiles(k3sFile?: string): Promise<Map<string, Buffer>> {
  const versions = versionsOf()
  const files = new Map<string, Buffer>()
  const add = (address: string, content: string | Buffer) =>
    files.set(decodeURIComponent(address.replace('https://', '')), Buffer.from(content))
  for (const name of chartNames) {
    const chart = chartOf(name, versions)
    const archive = await chartArchive(name)
    add(`${chart.repository}/index.yaml`, chartIndex({ ...chart, chart: name }, archive))
    add(`${chart.repository}/${name}-${chart.version}.tgz`, archive)
  }
  const csi = versions['csi-digitalocean']
  for (const file of csiFiles) add(csiAddress(csi, file), toYaml(csiManifests[file](csi)))
  const k3s = k3sFile
    ? readFileSync(k3sFile)
    : Buffer.from(
        `#!/bin/sh\necho 'This is not a k3s ${versions.k3s}: it is paper, from the sandbox of regrow.' >&2\nexit 1\n`,
      )
  add(k3sAddress(versions.k3s), k3s)
  add(k3sSumsAddress(versions.k3s), `${sha256(k3s)}  k3s\n`)
  return files
}

/** The same bytes but for one bit in the middle. */
function altered(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  const middle = copy.length >> 1
  copy[middle] = (copy[middle] ?? 0) ^ 1
  return copy
}
