import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { extract } from 'tar-stream'
import { endpoints, networkCure } from '../../base/environment.ts'
import { Problem } from '../../base/problem.ts'
import { canHeal } from '../../base/retry.ts'
import { DownloadFailure, download as fetchWhole } from '../../clients/download.ts'
import { isLoopback } from '../../cluster/endpoint.ts'
import { type ToolVersion, tools } from '../../cluster/versions.ts'

/** The names of the command-line tools that the scripts run. */
export type ToolName = keyof typeof tools

/** The tools, in the order in which they are told. */
export const toolNames = Object.keys(tools) as ToolName[]

/** A platform as the tools' releases name it. */
export interface Platform {
  os: string
  arch: string
}

/** The place of a release gave no answer, or one that may heal, at any attempt. */
export class Unreachable extends Problem {}

/** This machine's platform. @throws Problem where the tools have no releases that we know */
export function thisPlatform(os: string = process.platform, cpu: string = process.arch): Platform {
  const arch = { x64: 'amd64', arm64: 'arm64' }[cpu]
  if (arch && (os === 'linux' || os === 'darwin')) return { os, arch }
  throw new Problem(`the tools are not fetched for ${os} on ${cpu}`, {
    cure: `Install ${toolNames.join(', ')} yourself, so that they are found on the PATH.`,
  })
}

/** A tool's executable, and who vouches for it. */
export interface Release {
  bytes: Buffer
  /** regrow itself, by a pin; else the makers' list of checksums, or the mirror's copy of that list. */
  vouched: 'pinned' | 'published' | 'mirror'
}

/**
 * Fetches a tool's official release and holds it against its pin; where it has none, against the checksum that lies
 * beside it.
 * @param pin SHA-256 of the released file in hex
 * @throws Unreachable when the place cannot be reached; Problem when there is no checksum or it does not match
 */
export async function fetchRelease(
  name: string,
  { os, arch }: Platform,
  tool: Pick<ToolVersion, 'address' | 'sums' | 'member'>,
  pin?: string | null,
): Promise<Release> {
  const address = tool.address(os, arch)
  const wanted = pin ?? (await publishedChecksum(name, address, tool.sums(os, arch)))
  const file = await download(address)
  const got = createHash('sha256').update(file).digest('hex')
  if (got !== wanted)
    throw new Problem(
      `${address} was refused: its SHA-256 is ${got}, ${pin ? 'and regrow knows' : 'published is'} ${wanted}`,
      {
        cure: 'The file was changed or cut on its way. Try again; if it stays so, do not use it.',
      },
    )
  return {
    bytes: tool.member ? await member(file, tool.member(os, arch), address) : file,
    vouched: pin ? 'pinned' : process.env.REGROW_UPSTREAM_URL ? 'mirror' : 'published',
  }
}

/** The SHA-256 that the makers of a release publish beside it. @throws Unreachable; Problem when they publish none */
export async function publishedChecksum(name: string, address: string, list: string): Promise<string> {
  const { protocol, hostname } = new URL(endpoints().upstream(list))
  if (protocol !== 'https:' && !isLoopback(hostname))
    throw new Problem(
      `${name} is not fetched from ${hostname} over plain HTTP: on the way it could be changed`,
      {
        cure: 'Name your mirror in REGROW_UPSTREAM_URL with https://, or install the tool yourself.',
      },
    )
  const published = checksumIn((await download(list)).toString(), basename(address))
  if (published) return published
  throw new Problem(`${list} names no SHA-256 of ${basename(address)}: ${name} is refused`, {
    cure: 'regrow runs only tools whose makers publish a checksum. Install it yourself.',
  })
}

/** The SHA-256 of a file in a list of lines `<hex>  <file>`, or the digest alone where the list is for one file. */
export function checksumIn(sums: string, file: string): string | undefined {
  const lines = sums.split('\n').map((line) => line.trim().split(/\s+/))
  const own = lines.find(([, name]) => name?.replace(/^[*]|^\.\//, '') === file)
  const alone = lines.find((words) => words.length === 1 && words[0] !== '')
  const digest = (own ?? alone)?.[0]?.toLowerCase()
  return digest && /^[0-9a-f]{64}$/.test(digest) ? digest : undefined
}

async function member(archive: Buffer, path: string, address: string): Promise<Buffer> {
  const found: Buffer[] = []
  const entries = extract()
  const read = (async () => {
    for await (const entry of entries) {
      const bytes = await buffer(entry)
      if (entry.header.name.replace(/^\.\//, '') === path) found.push(bytes)
    }
  })()
  await Promise.all([pipeline(Readable.from([archive]), createGunzip(), entries), read])
  if (found[0]) return found[0]
  throw new Problem(`${address} holds no ${path}`, { cure: 'Install the tool yourself.' })
}

async function download(address: string): Promise<Buffer> {
  const url = endpoints().upstream(address)
  try {
    return await fetchWhole(url)
  } catch (cause) {
    if (!(cause instanceof DownloadFailure)) throw cause
    const message = `${url} could not be fetched: ${cause.message}`
    if (cause.status === undefined || canHeal(cause.status))
      throw new Unreachable(message, {
        cure: `${networkCure()} Or name a mirror with REGROW_UPSTREAM_URL, or install the tool yourself.`,
        cause,
      })
    throw new Problem(message, {
      cure: 'Is the version there? lib/cluster/versions.ts names it. REGROW_UPSTREAM_URL names a mirror, if you use one.',
      cause,
    })
  }
}
