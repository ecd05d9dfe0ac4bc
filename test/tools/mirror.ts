import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { createGzip } from 'node:zlib'
import { pack } from 'tar-stream'
import { tools } from '../../lib/cluster/versions.ts'
import { pins } from '../../lib/commands/tools/pins.ts'
import { type ToolName, thisPlatform, toolNames } from '../../lib/commands/tools/release.ts'

/** What a mirror serves, by address without `https://`. */
type Files = Map<string, Buffer | string>

/** How a mirror answers instead, once. */
export type Trouble = (response: ServerResponse) => void

/** A local mirror of all four releases, with folders of its own for tools and cache, in force in this process. */
export async function mirror(test: { teardown: (end: () => void) => void }) {
  const dir = mkdtempSync(join(tmpdir(), 'regrow-mirror-'))
  const files: Files = new Map()
  for (const name of toolNames) await release(files, name)
  const asked: string[] = []
  const troubles = new Map<string, Trouble[]>()
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    const path = request.url?.slice(1) ?? ''
    const trouble = troubles.get(path)?.shift()
    if (trouble) return trouble(response)
    const found = files.get(path)
    response.writeHead(found === undefined ? 404 : 200).end(found)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const mine = {
    REGROW_UPSTREAM_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    REGROW_TOOLS: join(dir, 'tools'),
    REGROW_TOOLS_CACHE: undefined,
  }
  const before = Object.keys(mine).map((name) => [name, process.env[name]] as const)
  put(Object.entries(mine))
  // What this mirror serves is not what the makers release.
  const pinned = Object.entries(pins)
  for (const [name] of pinned) pins[name] = null
  const close = () => new Promise((resolve) => server.close(resolve))
  test.teardown(() => {
    put(before)
    Object.assign(pins, Object.fromEntries(pinned))
    server.closeAllConnections()
    server.close()
    rmSync(dir, { recursive: true, force: true })
  })
  return { dir, folder: mine.REGROW_TOOLS, files, troubles, asked, close }
}

function put(variables: readonly (readonly [string, string | undefined])[]): void {
  for (const [name, value] of variables)
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
}

/** The executable that a mirror's release holds. */
const program = (name: ToolName) => `#!/bin/sh\necho this is ${name} ${tools[name].version}\n`

/** Where a release and its checksums lie on a mirror. */
export function places(name: ToolName): { file: string; sums: string } {
  const { os, arch } = thisPlatform()
  const plain = (address: string) => address.replace('https://', '')
  return { file: plain(tools[name].address(os, arch)), sums: plain(tools[name].sums(os, arch)) }
}

async function release(files: Files, name: ToolName): Promise<void> {
  const { os, arch } = thisPlatform()
  const { file, sums } = places(name)
  const member = tools[name].member?.(os, arch)
  const bytes = member ? await archive(member, program(name)) : Buffer.from(program(name))
  const digest = createHash('sha256').update(bytes).digest('hex')
  files.set(file, bytes)
  const list = `${'0'.repeat(64)}  another-file.tar.gz\n${digest}  ${file.split('/').at(-1)}\n`
  files.set(sums, name === 'kubectl' ? digest : list)
}

function archive(member: string, content: string): Promise<Buffer> {
  const tar = pack()
  tar.entry({ name: 'LICENSE' }, 'none')
  tar.entry({ name: member, mode: 0o755 }, content)
  tar.finalize()
  return buffer(tar.pipe(createGzip()))
}
