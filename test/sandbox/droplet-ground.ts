import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'
import { sealBundle } from '#cloud-init/bundle.ts'
import { type ClusterAuthorities, makeClusterAuthorities } from '#cloud-init/certificates.ts'
import {
  type BundleFiles,
  bundleFiles,
  type NodeSpec,
  type Report,
  renderUserData,
} from '#cloud-init/index.ts'
import { paperMachines } from '../../sandbox/droplet/machines.ts'
import { Faults } from '../../sandbox/faults.ts'
import type { Hardware, Machines } from '../../sandbox/machines.ts'
import { type App, serve } from '../../sandbox/serve.ts'
import { openWorld, type World } from '../../sandbox/world.ts'

/** A world with paper machines and one plain store of objects by their path, which stands in for signed URLs. */
export interface Ground {
  world: World
  machines: Machines
  objects: Map<string, Buffer>
  /** Address of an object in the store. */
  url(path: string): string
  end(): Promise<void>
}

const k3s = Buffer.from('#!/bin/true\n')
const key = 'k'.repeat(22)
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** Opens a world, a fresh one unless a folder is given; without the plain store when Spaces are to be there. */
export async function ground({ objects: withStore = true, dir = '' } = {}): Promise<Ground> {
  const folder = dir || mkdtempSync(join(tmpdir(), 'regrow-paper-'))
  const world = await openWorld(folder, { faults: new Faults(), machines: {} as Machines })
  const paper = paperMachines(world)
  world.machines = paper
  const objects = new Map([['/k3s', k3s]])
  const at = world.addresses.spaces
  const store: App = {
    fetch: async (request) => {
      const { pathname } = new URL(request.url)
      if (request.method === 'PUT') objects.set(pathname, Buffer.from(await request.arrayBuffer()))
      if (request.method === 'DELETE' && objects.delete(pathname)) return new Response(null, { status: 204 })
      const found = objects.get(pathname)
      return found
        ? new Response(new Uint8Array(found))
        : new Response('<Code>NoSuchKey</Code>', { status: 404 })
    },
  }
  if (withStore) await serve(world, 'objects', at, store)
  const url = (path: string) => `http://${at.host}:${at.port}${path}`
  return { world, machines: paper, objects, url, end: () => world.end() }
}

/** Removes what a ground left on the disk. */
export async function clear(one: Ground): Promise<void> {
  await one.end()
  rmSync(one.world.dir, { recursive: true, force: true })
}

let made: Promise<ClusterAuthorities> | undefined

/** The authorities that all tests of a file share. */
export const authorities = (): Promise<ClusterAuthorities> =>
  (made ??= makeClusterAuthorities({ now: new Date() }))

/** What a test changes about the usual first server. */
export interface Variation {
  id?: number
  spec?: Partial<NodeSpec>
  kubernetes?: Record<string, string>
  hardware?: Partial<Hardware>
  digest?: string
  /** Query of the bundle's URL. */
  query?: string
  /** Another key than the one that the bundle was sealed with. */
  key?: string
  /** True when the bundle is not in the store. */
  lost?: boolean
  /** Changes the bundle's files before they are packed. */
  alter?: (files: BundleFiles) => void
}

/** Puts a bundle into the store. @returns the droplet that it is for, not powered on yet */
export async function droplet(on: Ground, change: Variation = {}): Promise<Hardware> {
  const id = change.id ?? 1
  const name = `main-${id}`
  const node: NodeSpec = {
    cluster: 'main',
    name,
    role: 'first-server',
    network: '10.110.0.0/20',
    externalAddress: on.world.addresses.host(200, 1),
    tlsSans: ['main.regrow'],
    tokens: { server: 'server-token-0123456789', agent: 'agent-token-0123456789' },
    k3s: { version: 'v1.36.5+k3s1', url: on.url('/k3s'), sha256: sha256(k3s) },
    ...change.spec,
  }
  const steps = ['fetch', 'host', 'k3s', 'argocd'] as const
  const files = bundleFiles({
    node,
    authorities: await authorities(),
    reports: Object.fromEntries(steps.map((step) => [step, on.url(`/nodes/${name}/${step}.json`)])),
    deleteUrl: on.url(`/bundles/${name}.tar.gz`),
    ...(node.role === 'first-server'
      ? { kubernetes: change.kubernetes ?? { '10-nothing.yaml': namespace } }
      : {}),
  })
  change.alter?.(files)
  const bundle = Buffer.from(sealBundle(await packed(files), key))
  if (!change.lost) on.objects.set(`/bundles/${name}.tar.gz`, bundle)
  const userData = renderUserData({
    name,
    bundleUrl: on.url(`/bundles/${name}.tar.gz`) + (change.query ?? ''),
    bundleSha256: change.digest ?? sha256(bundle),
    bundleKey: change.key ?? key,
    startedUrl: on.url(`/nodes/${name}/started.json`),
  })
  return {
    id,
    name,
    region: 'fra1',
    memory: 2048,
    vcpus: 1,
    tags: ['regrow:main'],
    publicAddress: on.world.addresses.host(1, id),
    privateAddress: `10.110.0.${id + 1}`,
    userData,
    canReachOut: () => true,
    ...change.hardware,
  }
}

async function packed(files: BundleFiles): Promise<Buffer> {
  const tar = pack()
  for (const [name, { text, mode }] of Object.entries(files)) tar.entry({ name, mode }, text)
  tar.finalize()
  const chunks: Buffer[] = []
  for await (const chunk of tar as AsyncIterable<Buffer>) chunks.push(chunk)
  return gzipSync(Buffer.concat(chunks))
}

const namespace = 'apiVersion: v1\nkind: Namespace\nmetadata:\n  name: argocd\n'

/** Waits until something is there; fails after half a minute, on a machine that may be busy. */
export async function until<T>(look: () => T | undefined | Promise<T | undefined>, seconds = 30): Promise<T> {
  const end = Date.now() + seconds * 1000
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${look}`)
    await sleep(10)
  }
}

/** The report of a step, waited for. */
export function report(on: Ground, step: string, name = 'main-1', seconds = 30): Promise<Report> {
  return until(() => {
    const text = on.objects.get(`/nodes/${name}/${step}.json`)
    return text && (JSON.parse(text.toString()) as Report)
  }, seconds)
}
