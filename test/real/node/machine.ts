import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { load } from 'js-yaml'
import { type BundleSpec, bundleFiles, type Report, renderUserData, reportSchema } from '#cloud-init/index.ts'
import { signedUrl } from '../../../cloud-init/test/sample.ts'

// SIMULATED: the node's scripts run for real, by bash, but in a folder that plays the machine's disk, with stand-ins
// for the programs that would change the machine they run on. Real are bash, curl, tar, sha256sum, timeout, python3.

/** Why these tests cannot run here, or false: the scripts need programs that only a node is sure to have. */
export const missing: string | false = (() => {
  const wanted = ['bash', 'curl', 'tar', 'sha256sum', 'timeout', 'python3', 'sed', 'grep']
  const absent = wanted.filter((name) => spawnSync(name, ['--version']).error)
  return process.platform === 'linux' && absent.length === 0
    ? false
    : `NOT RUN: the node's scripts need Linux with ${wanted.join(', ')}; missing here: ${absent.join(', ')}`
})()

/** A folder that plays a machine's disk, and stand-ins for the programs that touch the machine itself. */
export interface Machine {
  root: string
  /** Replaces a stand-in: the body of a bash script. */
  stub(name: string, body: string): void
  /** Runs a script as the machine would. */
  run(script: string, args?: string[], env?: Record<string, string>): Running
  /** Each call of a stand-in so far, with its arguments. */
  calls(): string[]
  path(file: string): string
  read(file: string): string
  has(file: string): boolean
  write(file: string, text: string): void
}

interface Running {
  process: ChildProcess
  ended: Promise<{ code: number | null; output: string }>
}

const stubs: Record<string, string> = {
  ip: `case "$*" in
  *'show default') echo 'default via 203.0.113.1 dev eth0 proto static' ;;
  *'addr show to 10.110.0.0/20') echo '2: eth0    inet 10.110.9.9/20 scope global eth0'
    echo '3: eth1    inet 10.110.0.2/20 brd 10.110.15.255 scope global eth1' ;;
  *'route get 192.0.2.1') echo '192.0.2.1 via 203.0.113.1 dev eth0 src 203.0.113.77 uid 0' ;;
esac`,
  fallocate: `touch "\${@: -1}"`,
  sleep: 'exec /bin/sleep 0.05',
  ...Object.fromEntries(
    [
      'systemctl',
      'journalctl',
      'modprobe',
      'sysctl',
      'swapon',
      'mkswap',
      'sync',
      'cloud-init',
      'nft',
      'date-set',
    ].map((name) => [name, '']),
  ),
}

/** Makes a fresh machine; it is gone when the test ends. */
export function makeMachine(t: { teardown(remove: () => void): unknown }): Machine {
  const root = mkdtempSync(join(tmpdir(), 'regrow-machine-'))
  t.teardown(() => rmSync(root, { recursive: true, force: true }))
  const path = (file: string) => join(root, file)
  const write = (file: string, text: string) => {
    mkdirSync(dirname(path(file)), { recursive: true })
    writeFileSync(path(file), text)
  }
  const stub = (name: string, body: string) => {
    write(`stubs/${name}`, `#!/bin/bash\necho "${name} $*" >>"$REGROW_ROOT/calls"\n${body}\n`)
    chmodSync(path(`stubs/${name}`), 0o755)
  }
  for (const [name, body] of Object.entries(stubs)) stub(name, body)
  write('etc/fstab', '/dev/vda1 / ext4 defaults 0 1\n')
  write('sys/fs/cgroup/cgroup.controllers', 'cpu memory\n')
  return {
    root,
    stub,
    path,
    write,
    read: (file) => readFileSync(path(file), 'utf8'),
    has: (file) => existsSync(path(file)),
    calls: () => (existsSync(path('calls')) ? readFileSync(path('calls'), 'utf8').trim().split('\n') : []),
    run: (script, args = [], env = {}) => run(root, script, args, env),
  }
}

function run(root: string, script: string, args: string[], env: Record<string, string>): Running {
  const process_ = spawn(join(root, script), args, {
    env: {
      PATH: `${root}/stubs:${process.env.PATH}`,
      REGROW_ROOT: root,
      REGROW_PAUSE: '0.1',
      REGROW_RETRY: '2',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [process_.stdout, process_.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  const ended = new Promise<{ code: number | null; output: string }>((resolve) => {
    process_.on('close', (code) => resolve({ code, output }))
  })
  return { process: process_, ended }
}

/** Puts what user-data writes on the machine's disk, as cloud-init would. */
export function applyUserData(machine: Machine, text: string): void {
  const { write_files } = load(text) as {
    write_files: { path: string; content: string; permissions: string }[]
  }
  for (const { path, content, permissions } of write_files) {
    machine.write(path, content)
    chmodSync(machine.path(path), Number.parseInt(permissions, 8))
  }
}

/** Puts a node's unpacked bundle on the machine's disk. */
export function unpack(machine: Machine, wish: BundleSpec): void {
  for (const [name, { text, mode }] of Object.entries(bundleFiles(wish))) {
    machine.write(`var/lib/regrow/bundle/${name}`, text)
    chmodSync(machine.path(`var/lib/regrow/bundle/${name}`), mode)
  }
}

/** A bucket that keeps objects, k3s' release among them, and what was done to it. */
export interface Bucket {
  url(key: string, date?: string): string
  objects: Map<string, { status?: number; body: Uint8Array | string }>
  log: string[]
  /** What it answers to the next requests to delete something, without doing it. */
  refusals: number[]
  /** What it says that the time is, in milliseconds since 1970; its true one unless told. */
  says?: number
  /** The reports that were put, in order. */
  reports: Report[]
  userData(name: string, sha256: string, date?: string): string
}

/** What opens every bundle of the tests. */
export const bundleKey = 'k'.repeat(22)

/** Serves a bucket on loopback until the test ends. */
export async function makeBucket(t: { teardown(close: () => void): unknown }): Promise<Bucket> {
  const objects: Bucket['objects'] = new Map()
  const log: string[] = []
  const reports: Report[] = []
  const refusals: number[] = []
  const server = createServer(async (request, response) => {
    if (bucket.says !== undefined) response.setHeader('date', new Date(bucket.says).toUTCString())
    const key = decodeURIComponent((request.url ?? '').split('?')[0] ?? '').slice(1)
    log.push(`${request.method} ${key}`)
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    if (request.method === 'PUT') {
      // Like S3, which takes no body of unknown length.
      if (request.headers['content-length'] === undefined) return void response.writeHead(411).end()
      reports.push(reportSchema.parse(JSON.parse(Buffer.concat(chunks).toString())))
      return void response.writeHead(200).end()
    }
    if (request.method === 'DELETE') {
      const refusal = refusals.shift()
      if (refusal) return void response.writeHead(refusal).end()
      objects.delete(key)
      return void response.writeHead(204).end()
    }
    const object = objects.get(key)
    const status = object ? (object.status ?? 200) : 404
    response.writeHead(status).end(object?.body ?? '<Error><Code>NoSuchKey</Code></Error>')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const url: Bucket['url'] = (key, date = '20991231T000000Z') =>
    `http://127.0.0.1:${port}/${key}?${signedUrl(key, 'GetObject', date).split('?')[1]}`
  const userData: Bucket['userData'] = (name, sha256, date) =>
    renderUserData({
      name,
      bundleUrl: url(`bundles/${name}.tar.gz`, date),
      bundleSha256: sha256,
      bundleKey,
      startedUrl: url(`nodes/${name}/started.json`),
    })
  const bucket: Bucket = { url, objects, log, refusals, reports, userData }
  return bucket
}

/** A bash script that plays k3s: its text, and the SHA-256 a node must be told. */
export function k3sStandIn(body: string): { text: string; sha256: string } {
  const text = `#!/bin/bash\nset -euo pipefail\necho "k3s $*" >>"$REGROW_ROOT/calls"\n${body}\n`
  return { text, sha256: createHash('sha256').update(text).digest('hex') }
}

/** The stand-in of a k3s where everything goes well. */
export const wellK3s = k3sStandIn(`case "$*" in
  *jsonpath=*Ready*) echo True ;;
  *'get customresourcedefinitions -o name') echo crd/applications.argoproj.io ;;
  *'get deployments,statefulsets -o name') echo deployment/argocd-server ;;
esac`)
