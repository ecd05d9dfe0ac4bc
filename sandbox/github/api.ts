import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Context, Hono } from 'hono'
import { ZodError, z } from 'zod'
import { behaviourOf } from '../behaviour.ts'
import type { World } from '../world.ts'
import { emptyRepository, notFound, Refusal } from './refusal.ts'
import { accessOf, findRepository, folderOf, isToken, type Repository, stateOf } from './state.ts'

/** A request about one repository, which the token may see. */
export interface Ask {
  world: World
  repo: Repository
  /** Where git keeps it. */
  dir: string
  /** The repository's address in the API. */
  url: string
  param(name: string): string
  query(name: string): string | undefined
  body(): Promise<unknown>
  /** The token that asks. */
  token: string
}

/** Status and JSON body of an answer. */
export type Answer = readonly [status: number, body?: unknown]

/** What a handler needs of the repository: `commits` is reading in one that has some. */
type Need = 'read' | 'commits' | 'write' | 'admin'

/** Adds a handler for `/repos/<owner>/<repo><path>`. */
export type Route = (
  method: string,
  path: string,
  need: Need,
  handle: (ask: Ask) => Promise<Answer> | Answer,
) => void

/** The API's frame: who asks, which repository, limits and errors as GitHub tells them. */
export function makeApi(world: World, base: string): { app: Hono; route: Route } {
  const app = new Hono()
  app.use(async (context, next) => {
    await next()
    if (!/^\/(repos|users?|orgs|rate_limit)\b/.test(context.req.path)) return
    for (const [name, value] of Object.entries(headersOf(world))) context.header(name, value)
  })
  app.onError((error) => {
    const isInvalid = error instanceof ZodError
    const status = isInvalid ? 422 : error instanceof Refusal ? error.status : 500
    const said = isInvalid ? `Invalid request.\n\n${z.prettifyError(error)}` : error.message
    const message = status === 500 ? `The box's GitHub broke: ${error.stack}` : said
    const errors = error instanceof Refusal && error.errors ? { errors: error.errors } : {}
    return Response.json({ message, ...errors, documentation_url, status: String(status) }, { status })
  })
  app.notFound((context) => {
    const message = `The box's GitHub does not know ${context.req.method} ${context.req.path}`
    return Response.json({ message }, { status: 501 })
  })
  const route: Route = (method, path, need, handle) => {
    app.on(method, `/repos/:owner/:repo${path}`, async (context) => {
      const known = isKnown(world, context)
      const state = stateOf(world)
      const repo = findRepository(state, context.req.param('owner') ?? '', context.req.param('repo') ?? '')
      const access = repo && accessOf(world, repo, known)
      if (!repo || !access) throw notFound()
      if (access === 'read' && (need === 'write' || need === 'admin'))
        throw new Refusal(403, 'Must have admin rights to Repository.')
      const dir = folderOf(world, repo)
      if ((need === 'commits' || need === 'write') && looksEmpty(world, repo, dir)) throw emptyRepository()
      const ask: Ask = {
        world,
        repo,
        dir,
        url: `${base}/repos/${repo.owner}/${repo.name}`,
        param: (name) => context.req.param(name) ?? '',
        query: (name) => context.req.query(name),
        body: () => context.req.json(),
        token: tokenIn(context.req.header('authorization') ?? ''),
      }
      return toResponse(await handle(ask))
    })
  }
  return { app, route }
}

const documentation_url = 'https://docs.github.com/rest'

/** An answer as HTTP; 204 has no body. */
export function toResponse([status, body]: Answer): Response {
  return status === 204 ? new Response(null, { status }) : Response.json(body, { status })
}

const tokenIn = (header: string) => header.replace(/^(token|bearer) /i, '')

/** Whether the request carries the user's token. @throws Refusal 401 for any other token */
export function isKnown(world: World, context: Context): boolean {
  const header = context.req.header('authorization')
  if (!header) return false
  if (isToken(world, tokenIn(header))) return true
  throw new Refusal(401, 'Bad credentials')
}

/** True while a repository has no commit, or a fresh first commit is not to be seen yet. */
export function looksEmpty(world: World, repo: Repository, dir: string): boolean {
  if (Date.now() - Date.parse(repo.created_at) < behaviourOf(world).githubInitMs) return true
  const refs = readdirSync(join(dir, 'refs'), { recursive: true, withFileTypes: true })
  return !refs.some((one) => one.isFile())
}

function headersOf(world: World): Record<string, string> {
  const { githubFineGrained, githubScopes } = behaviourOf(world)
  const reset = String(Math.ceil(Date.now() / 3_600_000) * 3600)
  return {
    'x-github-media-type': 'github.v3; format=json',
    'x-ratelimit-limit': '5000',
    'x-ratelimit-remaining': '4999',
    'x-ratelimit-reset': reset,
    ...(githubFineGrained ? {} : { 'x-oauth-scopes': githubScopes }),
  }
}
