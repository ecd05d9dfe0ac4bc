import { createRequire } from 'node:module'
import type { AxiosError } from 'axios'
import { z } from 'zod'
import { networkCure } from '../base/environment.ts'
import { again } from '../base/hint.ts'
import { Problem } from '../base/problem.ts'
import { withRetry } from '../base/retry.ts'
import type { Secret } from '../base/secret.ts'
import type * as types from './digitalocean-types.ts'
import { type Collection, collections } from './digitalocean-types.ts'
import { turn, turnForKeys } from './pace.ts'

/** The looking side of DigitalOcean's API: every answer parsed, every list whole. Changes are made with doctl. */
export interface DigitalOcean {
  account(): Promise<types.Account>
  projects(): Promise<types.Project[]>
  /** URNs such as `do:droplet:123`. */
  projectResources(projectId: string): Promise<string[]>
  vpcs(): Promise<types.Vpc[]>
  firewalls(): Promise<types.Firewall[]>
  sshKeys(): Promise<types.SshKey[]>
  reservedIps(): Promise<types.ReservedIp[]>
  loadBalancers(): Promise<types.LoadBalancer[]>
  spacesKeys(): Promise<types.SpacesKey[]>
  droplets(): Promise<types.Droplet[]>
  dropletsTagged(tag: string): Promise<types.Droplet[]>
  dropletsNamed(name: string): Promise<types.Droplet[]>
  droplet(id: string): Promise<types.Droplet | undefined>
  dropletActions(id: string): Promise<types.Action[]>
  volumes(): Promise<types.Volume[]>
  volumeSnapshots(): Promise<types.Snapshot[]>
  dropletSnapshots(): Promise<types.Snapshot[]>
  sizes(): Promise<types.Size[]>
  regions(): Promise<types.Region[]>
  /** Whether there is an image of this slug or number. */
  hasImage(image: string): Promise<boolean>
  tags(): Promise<string[]>
  /** DigitalOcean's clock minus ours, in milliseconds, as the last answer's `Date` told. */
  clockOffset(): number
}

/** A refusal by DigitalOcean's API, in its own words and with what it means for the person. */
export class DigitalOceanRefusal extends Problem {
  readonly status: number | undefined

  constructor(status: number | undefined, message: string, cure: string | undefined, cause: unknown) {
    super(message, { cause, ...(cure ? { cure } : {}) })
    this.status = status
  }
}

/**
 * Connects the typed client; nothing is sent yet.
 * @param url without `/v2`
 * @param variable where the token came from, for the message when it is refused
 */
export async function connectDigitalOcean(
  url: string,
  token: Secret,
  variable = 'DIGITALOCEAN_TOKEN',
): Promise<DigitalOcean> {
  // Loaded when needed: it takes a quarter of a second. By require, because it is CommonJS and so is its axios.
  const require = createRequire(import.meta.url)
  const dots: typeof import('dots-wrapper') = require('dots-wrapper')
  const settings = { endpoint: `${url}/v2`, token: token.reveal(), requestTimeoutInMs: 20_000 }
  const api = dots.createApiClient(settings)
  // dots-wrapper knows neither reserved IPs nor Spaces keys nor lists by name: its own HTTP client fills these gaps.
  const { createContext } = dots.modules.common
  const axios: Parameters<typeof createContext>[0]['axios'] = require('axios')
  // A page of two hundred things has half a megabyte.
  axios.defaults.maxContentLength = 16 * 1024 ** 2
  const { httpClient } = createContext({ axios, ...settings })
  let offset = 0

  const look = async <T>(what: Collection, schema: z.ZodType<T>, ask: () => Promise<Answer>): Promise<T> => {
    try {
      const paced = async () => {
        await turn()
        return ask()
      }
      const answer = await withRetry(paced, (error) => {
        if (!isAxiosError(error)) return undefined
        const after = Number(error.response?.headers?.['retry-after'])
        return {
          ...(error.response ? { status: error.response.status } : {}),
          ...(after > 0 ? { retryAfter: after } : {}),
        }
      })
      const date = Date.parse(dateOf(answer))
      if (!Number.isNaN(date)) offset = date - Date.now()
      return schema.parse(answer.data)
    } catch (error) {
      throw refusal(what, url, variable, error)
    }
  }
  const all = async <C extends Collection>(
    key: C,
    ask: (page: Page) => Promise<Answer>,
  ): Promise<One<C>[]> => {
    const found: One<C>[] = []
    for (let page = 1; page <= mostPages; page++) {
      const answer = await look(
        key,
        z.object({ [key]: z.array(collections[key].one).nullish(), links: links.nullish() }).loose(),
        () => ask({ page, per_page: 200 }),
      )
      found.push(...((answer[key] as One<C>[] | null | undefined) ?? []))
      if (!(answer.links as z.infer<typeof links> | undefined)?.pages?.next) return found
    }
    throw new Problem(`DigitalOcean’s list of ${key} does not end`, {
      cure: `${mostPages} pages were read. Is it DigitalOcean that answers at ${url}?`,
    })
  }
  const snapshots = (resource_type: 'volume' | 'droplet') =>
    all('snapshots', (page) => api.snapshot.listSnapshots({ resource_type, ...page }))
  const get = (path: string, query: Record<string, unknown> = {}) => httpClient.get(path, { params: query })

  return {
    account: async () =>
      (await look('account', z.object({ account: collections.account.one }), () => api.account.getAccount()))
        .account,
    projects: () => all('projects', (page) => api.project.listProjects(page)),
    projectResources: async (project_id) => {
      try {
        const found = await all('resources', (page) =>
          api.project.listProjectResources({ project_id, ...page }),
        )
        return found.map((one) => one.urn)
      } catch (error) {
        // A list may show a project before it can be asked for, and after it is gone.
        if (error instanceof DigitalOceanRefusal && error.status === 404) return []
        throw error
      }
    },
    vpcs: () => all('vpcs', (page) => api.vpc.listVpcs(page)),
    firewalls: () => all('firewalls', (page) => api.firewall.listFirewalls(page)),
    sshKeys: () =>
      all('ssh_keys', async (page) => {
        await turnForKeys()
        return api.sshKey.listSshKeys(page)
      }),
    reservedIps: () => all('reserved_ips', (page) => get('/reserved_ips', { ...page })),
    loadBalancers: () => all('load_balancers', (page) => get('/load_balancers', { ...page })),
    spacesKeys: () => all('keys', (page) => get('/spaces/keys', { ...page })),
    droplets: () => all('droplets', (page) => api.droplet.listDroplets({ ...page })),
    dropletsTagged: (tag_name) => all('droplets', (page) => api.droplet.listDroplets({ tag_name, ...page })),
    dropletsNamed: (name) => all('droplets', (page) => get('/droplets', { name, ...page })),
    droplet: async (id) => {
      try {
        const found = await look('droplets', z.object({ droplet: collections.droplets.one }), () =>
          api.droplet.getDroplet({ droplet_id: Number(id) }),
        )
        return found.droplet
      } catch (error) {
        if (error instanceof DigitalOceanRefusal && error.status === 404) return undefined
        throw error
      }
    },
    dropletActions: (id) =>
      all('actions', (page) => api.droplet.listDropletActions({ droplet_id: Number(id), ...page })),
    volumes: () => all('volumes', (page) => get('/volumes', { ...page })),
    volumeSnapshots: () => snapshots('volume'),
    dropletSnapshots: () => snapshots('droplet'),
    sizes: () => all('sizes', (page) => api.size.listSizes(page)),
    regions: () => all('regions', (page) => api.region.listRegions(page)),
    hasImage: async (slug) => {
      try {
        await look('images', z.object({ image: collections.images.one }), () => api.image.getImage({ slug }))
        return true
      } catch (error) {
        if (error instanceof DigitalOceanRefusal && error.status === 404) return false
        throw error
      }
    },
    tags: async () => (await all('tags', (page) => api.tag.listTags(page))).map((one) => one.name),
    clockOffset: () => offset,
  }
}

type One<C extends Collection> = z.infer<(typeof collections)[C]['one']>

interface Answer {
  data: unknown
  headers?: unknown
}

const dateOf = (answer: Answer) => z.object({ date: z.string() }).safeParse(answer.headers).data?.date ?? ''

// dots-wrapper may bring an axios of its own, so the class cannot be compared.
const isAxiosError = (error: unknown): error is AxiosError =>
  error instanceof Error && 'isAxiosError' in error && error.isAxiosError === true

/** Pages of two hundred. */
const mostPages = 100

interface Page {
  page: number
  per_page: number
}

const links = z.object({ pages: z.object({ next: z.string().optional() }).optional() })
const said = z.object({ message: z.string() })

/** What a failed look means: an AxiosError prints headers, so it never leaves this function. */
function refusal(key: Collection, url: string, variable: string, error: unknown): Problem {
  if (error instanceof Problem) return error
  if (!isAxiosError(error))
    return new Problem(`DigitalOcean answered something unexpected for ${key}`, { cause: error })
  const what = key === 'keys' ? 'Spaces keys' : key.replaceAll('_', ' ')
  const status = error.response?.status
  const message = said.safeParse(error.response?.data).data?.message ?? error.code ?? 'no answer'
  const cause = new Error(`${status ?? ''} ${message}`)
  if (status === undefined)
    return new DigitalOceanRefusal(
      status,
      `DigitalOcean did not answer at ${url} (${message})`,
      networkCure(),
      cause,
    )
  if (status === 401)
    return new DigitalOceanRefusal(
      status,
      `DigitalOcean does not accept the token in ${variable}`,
      `Make a new one at https://cloud.digitalocean.com/account/api/tokens and set ${variable}.`,
      cause,
    )
  if (status === 403)
    return new DigitalOceanRefusal(
      status,
      `${variable === 'DIGITALOCEAN_TOKEN' ? 'the DigitalOcean token' : `the token in ${variable}`} may not read ${what}`,
      `Give it ${collections[key].scope}:read, or full access (docs/setup.md lists the scopes).`,
      cause,
    )
  return new DigitalOceanRefusal(
    status,
    `DigitalOcean refused to show ${what}: ${status} ${message}`,
    status === 429 || status >= 500 ? `Run ${again()} in some minutes.` : undefined,
    cause,
  )
}
