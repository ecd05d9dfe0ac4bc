import { gunzipSync } from 'node:zlib'
import type { Context, Hono } from 'hono'
import type { World } from '../world.ts'
import { git } from './git.ts'
import {
  accessOf,
  findRepository,
  fingerprintOf,
  folderOf,
  isToken,
  type Repository,
  stateOf,
} from './state.ts'

/** The user name under which a deploy key's fingerprint is the password: the box's way of what is SSH at GitHub. */
export const deployKeyUser = 'deploy-key'

/** Clone, fetch and push over HTTP, as git's smart protocol has it (gitprotocol-http(5)). */
export function addSmartHttp(app: Hono, world: World): void {
  app.get('/:owner/:repo/info/refs', async (context) => {
    const service = context.req.query('service') ?? ''
    const found = open(world, context, service)
    if (found instanceof Response) return found
    const protocol = context.req.header('git-protocol') ?? ''
    const refs = await git(found, [service.slice(4), '--stateless-rpc', '--advertise-refs', '.'], '', {
      GIT_PROTOCOL: protocol,
    })
    const line = `# service=${service}\n`
    const head = `${(line.length + 4).toString(16).padStart(4, '0')}${line}0000`
    const body = protocol.includes('version=2') ? refs : Buffer.concat([Buffer.from(head), refs])
    return answer(body, `application/x-${service}-advertisement`)
  })
  app.post('/:owner/:repo/:service{git-upload-pack|git-receive-pack}', async (context) => {
    const service = context.req.param('service')
    const found = open(world, context, service)
    if (found instanceof Response) return found
    const sent = Buffer.from(await context.req.arrayBuffer())
    const input = context.req.header('content-encoding') === 'gzip' ? gunzipSync(sent) : sent
    const env = { GIT_PROTOCOL: context.req.header('git-protocol') ?? '' }
    const body = await git(found, [service.slice(4), '--stateless-rpc', '.'], input, env)
    return answer(body, `application/x-${service}-result`)
  })
}

const answer = (body: Buffer, type: string) =>
  new Response(new Uint8Array(body), { headers: { 'content-type': type, 'cache-control': 'no-cache' } })

/** The repository's folder when the caller may use this service there, else the refusal. */
function open(world: World, context: Context, service: string): string | Response {
  if (!['git-upload-pack', 'git-receive-pack'].includes(service))
    return new Response('Please upgrade your git client.\n', { status: 403 })
  const state = stateOf(world)
  const repo = findRepository(state, context.req.param('owner') ?? '', context.req.param('repo') ?? '')
  const [user = '', password = ''] = credentials(context.req.header('authorization'))
  if (user && user !== deployKeyUser && !isToken(world, password)) return ask('Invalid username or token.')
  const isKey = user === deployKeyUser
  const rights = repo && (isKey ? byKey(repo, password) : accessOf(world, repo, user !== ''))
  if (!user && (!rights || service === 'git-receive-pack')) return ask('Authentication required.')
  if (!repo || !rights) return new Response('Repository not found.\n', { status: 404 })
  if (rights === 'read' && service === 'git-receive-pack')
    return new Response('The key you are authenticating with has been marked as read only.\n', {
      status: 403,
    })
  return folderOf(world, repo)
}

/** What a deploy key, told by its fingerprint, may do in a repository. */
function byKey(repo: Repository, print: string): 'admin' | 'read' | undefined {
  const key = repo.keys.find((one) => fingerprintOf(one.key) === print)
  return key && (key.read_only ? 'read' : 'admin')
}

function credentials(header: string | undefined): string[] {
  const encoded = /^Basic (.+)$/i.exec(header ?? '')?.[1]
  return encoded ? Buffer.from(encoded, 'base64').toString().split(/:(.*)/s) : []
}

function ask(text: string): Response {
  return new Response(`${text}\n`, { status: 401, headers: { 'www-authenticate': 'Basic realm="GitHub"' } })
}
