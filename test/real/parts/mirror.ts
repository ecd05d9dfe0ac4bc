import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import { connect } from 'node:net'
import { join } from 'node:path'
import { dump } from 'js-yaml'
import type { KeyAndCertificate } from '#cloud-init/certificates.ts'
import { chartOf, csiAddress, k3sAddress, k3sSumsAddress, versionsOf } from '../../../lib/cluster/versions.ts'
import { archiveOf, chartArchive, chartIndex, sha256 } from '../../../sandbox/upstream/archive.ts'
import type { World } from '../../../sandbox/world.ts'
import { charts } from './charts.ts'
import { partFolder } from './parts.ts'

/** What k3s is stood in for by: it hands kubectl on to the real one. The harness starts what the unit k3s would. */
const k3sStandIn = `#!/bin/bash
# No k3s: stands in for it in regrow's tests on real parts.
set -euo pipefail
[ "\${1-}" = kubectl ] || { echo 'this only stands in for k3s' >&2; exit 1; }
shift
exec "$REGROW_TOOLS/kubectl" --kubeconfig "$REGROW_ROOT/etc/rancher/k3s/k3s.yaml" "$@"
`

/** A mirror of upstream on loopback. */
export interface Mirror {
  /** For REGROW_UPSTREAM_URL: `/<host>/<path>`, as the box's mirror. */
  url: string
  /** Speaks TLS as any of upstream's hosts, with this certificate from now on, to who uses it as HTTPS_PROXY. */
  proxy(signed: KeyAndCertificate): Promise<string>
  /** Answers 404 to everything from now on. */
  withdraw(): void
}

/** The hosts that are spoken for. */
export const mirrored = [
  'argoproj.github.io',
  'vmware-tanzu.github.io',
  'bitnami.github.io',
  'traefik.github.io',
  'github.com',
  'raw.githubusercontent.com',
]

/** A person's own chart: its second version changes what Kubernetes does not let change. */
export const tiny = { repository: 'https://bitnami.github.io/tiny', good: '1.0.0', refused: '1.1.0' }

async function tinyFiles(): Promise<[string, Buffer | string][]> {
  const about = (version: string) => ({ apiVersion: 'v2', name: 'tiny', version })
  const workload = (labels: object) => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'tiny' },
    spec: {
      replicas: 0,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'tiny', image: 'docker.io/library/busybox:1.37' }] },
      },
    },
  })
  const versions = [
    { version: tiny.good, labels: { app: 'tiny' } },
    { version: tiny.refused, labels: { app: 'tiny', tier: 'web' } },
  ]
  const archives = await Promise.all(
    versions.map(async ({ version, labels }) => {
      const files = { 'Chart.yaml': dump(about(version)), 'templates/tiny.yaml': dump(workload(labels)) }
      return { version, archive: await archiveOf('tiny', files) }
    }),
  )
  const entries = archives.map(({ version, archive }) => ({
    ...about(version),
    digest: sha256(archive),
    urls: [`tiny-${version}.tgz`],
  }))
  return [
    [`${tiny.repository}/index.yaml`, dump({ apiVersion: 'v1', entries: { tiny: entries } })],
    ...archives.map(({ version, archive }): [string, Buffer] => [
      `${tiny.repository}/tiny-${version}.tgz`,
      archive,
    ]),
  ]
}

/** Serves what the parts' charts hold in place of the box's, and everything else as the box's mirror has it. */
export async function startMirror(world: World): Promise<Mirror> {
  const versions = versionsOf()
  const files = new Map<string, Buffer | string>()
  const add = (address: string, content: Buffer | string) =>
    files.set(decodeURIComponent(address.replace('https://', '')), content)
  for (const name of Object.keys(charts) as (keyof typeof charts)[]) {
    const chart = chartOf(name, versions)
    const archive = await chartArchive(name, charts[name]())
    add(`${chart.repository}/index.yaml`, chartIndex({ ...chart, chart: name }, archive))
    add(`${chart.repository}/${name}-${chart.version}.tgz`, archive)
  }
  for (const [address, content] of await tinyFiles()) add(address, content)
  add(csiAddress(versions['csi-digitalocean'], 'crds.yaml'), snapshotKinds())
  add(k3sAddress(versions.k3s), k3sStandIn)
  add(k3sSumsAddress(versions.k3s), `${sha256(Buffer.from(k3sStandIn))}  k3s\n`)

  const { upstream } = world.addresses
  let withdrawn = false
  const answer = async (path: string, response: Parameters<RequestListener>[1]) => {
    if (withdrawn) return void response.writeHead(404).end('404: Not Found')
    const own = files.get(decodeURIComponent(path.slice(1)))
    if (own !== undefined) return void response.writeHead(200).end(own)
    const from = await fetch(`http://${upstream.host}:${upstream.port}${path}`)
    response.writeHead(from.status).end(Buffer.from(await from.arrayBuffer()))
  }
  const host = world.addresses.host(210, 1)
  const server = createServer((request, response) => void answer(request.url ?? '/', response))
  await new Promise<void>((resolve) => server.listen(8000, host, resolve))
  world.atEnd(() => closed(server))
  let inner: TlsServer | undefined
  return {
    url: `http://${host}:8000`,
    withdraw: () => {
      withdrawn = true
    },
    proxy: async (signed) => {
      if (inner) {
        inner.setSecureContext(signed)
        return `http://${host}:3128`
      }
      const speaking = createTlsServer(signed, (request, response) => {
        void answer(`/${request.headers.host?.replace(/:443$/, '')}${request.url}`, response)
      })
      await new Promise<void>((resolve) => speaking.listen(8443, host, resolve))
      inner = speaking
      const outer = createServer((_, response) => void response.writeHead(405).end())
      outer.on('connect', (_, socket) => {
        const there = connect(8443, host, () => socket.write('HTTP/1.1 200 OK\r\n\r\n'))
        there.on('error', () => socket.destroy())
        socket.on('error', () => there.destroy())
        there.pipe(socket).pipe(there)
      })
      await new Promise<void>((resolve) => outer.listen(3128, host, resolve))
      world.atEnd(() => Promise.all([closed(speaking), closed(outer)]).then(() => {}))
      return `http://${host}:3128`
    },
  }
}

function snapshotKinds(): string {
  const folder = join(partFolder('snapshot-kinds'), 'crds')
  const names = readdirSync(folder).filter((name) => name.startsWith('snapshot.storage'))
  return names.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n---\n')
}

function closed(server: ReturnType<typeof createServer>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
