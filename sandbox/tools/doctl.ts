import { existsSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { loadAll } from 'js-yaml'
import { type Call, Failed, type Line, parse, Unknown } from './call.ts'
import { type Json, openApi } from './doctl-api.ts'
import { type Shape, shapes } from './doctl-shapes.ts'
import { table } from './doctl-table.ts'

const globals = 'config context access-token api-url output http-retry-max format no-header'.split(' ')
const switches = ['force', 'no-header', 'droplet-agent', 'enable-monitoring', 'resize-disk']
const short = { c: 'config', t: 'access-token', u: 'api-url', o: 'output', f: 'force' }
const aliases: Record<string, string> = { ls: 'list', rm: 'delete', d: 'droplet', c: 'create', g: 'get' }

// What doctl prints even where the API says nothing of it: its types cannot leave it out.
const kinds = ['images', 'volumes', 'volume_snapshots', 'databases']
const none = Object.fromEntries(kinds.map((kind) => [kind, { count: 0 }]))
const always: Record<string, (thing: Json) => Json> = {
  key: (thing) => ({ secret_key: '', ...thing }),
  tag: (thing) => ({ ...thing, resources: { ...none, ...(thing.resources as Json) } }),
}

/** doctl, as far as regrow and a person looking around use it. */
export async function doctl(call: Call): Promise<number> {
  if (call.argv[0] === 'version') {
    call.out('doctl version stand-in (simulated by the sandbox)\n')
    return 0
  }
  const line = parse(call.argv, switches, short)
  const json = line.text('output') === 'json'
  try {
    const { shape, words } = recognise(line)
    if (shape.flags === 'force' && !line.has('force')) {
      call.err('Warning: Requires confirmation. Use the `--force` flag to continue without confirmation.\n')
      throw new Failed('Operation aborted.')
    }
    const api = openApi({
      url: line.text('api-url') ?? call.env.DIGITALOCEAN_API_URL ?? 'https://api.digitalocean.com',
      token: tokenOf(call, line),
      retries: Number(line.text('http-retry-max') ?? 5),
      signal: call.signal,
    })
    const answer = await shape.run({ api, words, line, cwd: call.cwd })
    if (shape.kind === '') return 0
    const things = ([answer[shape.kind] ?? []].flat() as Json[]).map(always[shape.kind] ?? ((thing) => thing))
    if (json) call.out(JSON.stringify(shape.kind === 'account' ? things[0] : things, null, 2))
    else call.out(table(shape.kind, things, line.many('format'), !line.has('no-header')))
    return 0
  } catch (error) {
    if (!(error instanceof Failed)) throw error
    if (json) call.out(`${JSON.stringify({ errors: [{ detail: error.message }] })}\n`)
    else call.err(`Error: ${error.message}\n`)
    return error.code
  }
}

/** Finds the shape by its first words, and checks the rest of them and the flags. */
function recognise(line: Line): { shape: Shape; words: string[] } {
  const said = line.words.map((word, index) => (index < 3 ? (aliases[word] ?? word) : word))
  const name = [3, 2].map((count) => said.slice(0, count).join(' ')).find((words) => shapes[words])
  const shape = shapes[name ?? '']
  if (!name || !shape) throw new Unknown(said.slice(0, 3).join(' '))
  const words = line.words.slice(name.split(' ').length)
  const flags = shape.flags.split(' ').filter(Boolean)
  line.only([...globals, ...flags.map((flag) => flag.replace('!', ''))])
  if (words.length > shape.words) throw new Unknown(words.slice(shape.words).join(' '))
  const required = flags.filter((flag) => flag.endsWith('!')).map((flag) => flag.slice(0, -1))
  const missing = required.find((flag) => !line.text(flag))
  const group = name.split(' ').slice(-2).join('.')
  if (words.length < shape.words) throw new Failed(`(${group}) command is missing required arguments`)
  if (missing) throw new Failed(`(${group}.${missing}) command is missing required arguments`)
  return { shape, words }
}

/**
 * doctl's own rules, tried with 1.166: a context (flag, environment, configuration file) decides alone, and only the
 * context `default` or none at all lets the flag, the environment's token or the file's token count, in that order.
 */
function tokenOf(call: Call, line: Line): string {
  const home = call.env.XDG_CONFIG_HOME ?? join(call.env.HOME ?? '/', '.config')
  const file = resolve(call.cwd, line.text('config') ?? join(home, 'doctl', 'config.yaml'))
  const isFile = existsSync(file) && statSync(file).isFile()
  const config = ((isFile && loadAll(readFileSync(file, 'utf8'))[0]) || {}) as Record<string, string> & {
    'auth-contexts'?: Record<string, string>
  }
  const context = line.text('context') ?? call.env.DIGITALOCEAN_CONTEXT ?? config.context ?? 'default'
  const own = line.text('access-token') ?? call.env.DIGITALOCEAN_ACCESS_TOKEN ?? config['access-token']
  const token = context === 'default' ? own : config['auth-contexts']?.[context]
  if (token) return token
  throw new Failed(
    "Unable to initialize DigitalOcean API client: access token is required. (hint: run 'doctl auth init')",
  )
}
