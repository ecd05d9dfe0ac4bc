import { serve } from '../serve.ts'
import type { World } from '../world.ts'
import { isKnown, makeApi, toResponse } from './api.ts'
import { addContentsRoutes } from './contents.ts'
import { addGitDataRoutes } from './git-data.ts'
import { Refusal } from './refusal.ts'
import { addRepositoryRoutes, getOrganisation, postRepository } from './repositories.ts'
import { addRuleRoutes, getOrganisationRulesets } from './rules.ts'
import { addSmartHttp, deployKeyUser } from './smart-http.ts'
import { fingerprintOf, stateOf, tokenOf } from './state.ts'

/** The simulated GitHub, as long as the world lives. */
export interface Github {
  /** Base of the REST API, and of clone addresses. */
  url: string
  /** The same with the user's token, for git. */
  gitUrl: string
  login: string
  token: string
  /** A clone address that stands for SSH with a deploy key: its password is the key's fingerprint. */
  deployKeyUrl(owner: string, name: string, key: string): string
}

/** Serves the part of GitHub's REST API (v3) that regrow uses, over real bare repositories, and git over HTTP. */
export async function startGithub(world: World): Promise<Github> {
  const { host, port } = world.addresses.github
  const url = `http://${host}:${port}`
  const { app, route } = makeApi(world, url)
  app.get('/user', (context) => {
    if (!isKnown(world, context)) throw new Refusal(401, 'Requires authentication')
    const { login, id } = stateOf(world)
    return context.json({
      login,
      id,
      node_id: `U_${id}`,
      type: 'User',
    })
  })
  app.get('/rate_limit', (context) => {
    const core = { limit: 5000, used: 1, remaining: 4999, reset: Math.ceil(Date.now() / 3_600_000) * 3600 }
    return context.json({ resources: { core }, rate: core })
  })
  app.post('/user/repos', async (context) => toResponse(await postRepository(world, url, context)))
  app.post('/orgs/:organisation/repos', async (context) =>
    toResponse(await postRepository(world, url, context)),
  )
  app.get('/orgs/:organisation', (context) => toResponse(getOrganisation(world, context)))
  for (const path of ['/orgs/:organisation/rulesets', '/orgs/:organisation/rulesets/:id'])
    app.get(path, (context) => toResponse(getOrganisationRulesets(world, context)))
  addRepositoryRoutes(route, url)
  addRuleRoutes(route)
  addGitDataRoutes(route)
  addContentsRoutes(route)
  addSmartHttp(app, world)
  await serve(world, 'github', world.addresses.github, app)
  const { login } = stateOf(world)
  const withUser = (user: string, password: string) =>
    `http://${user}:${encodeURIComponent(password)}@${host}:${port}`
  return {
    url,
    gitUrl: withUser(login, tokenOf(world)),
    login,
    token: tokenOf(world),
    deployKeyUrl: (owner, name, key) => `${withUser(deployKeyUser, fingerprintOf(key))}/${owner}/${name}.git`,
  }
}
