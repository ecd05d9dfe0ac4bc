import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Failed, type Line, Unknown } from './call.ts'
import type { Api, Json } from './doctl-api.ts'

/** What a shape's work is given: the API, the words behind the command, the flags, and the caller's folder. */
interface Use {
  api: Api
  words: string[]
  line: Line
  cwd: string
}

/** One command line that the stand-in knows. */
export interface Shape {
  /** What is printed: the key in the API's answer and the name of the columns; nothing when empty. */
  kind: string
  /** How many words follow the command. */
  words: number
  /** Names of its flags, a required one with `!`. */
  flags: string
  run(use: Use): Promise<Json>
}

type Body = (use: Use) => Json

const part = (text = '') => encodeURIComponent(text).replaceAll('%3A', ':')
/** `{}` in a path is the first word behind the command. */
const at = (path: string, { words }: Use) => path.replace('{}', part(words[0]))
const wordsIn = (path: string) => (path.includes('{}') ? 1 : 0)

const get = (kind: string, path: string): Shape => ({
  kind,
  words: wordsIn(path),
  flags: '',
  run: (use) => use.api.get(at(path, use)),
})
const list = (kind: string, path: string, flag = '', name = ''): Shape => ({
  kind,
  words: wordsIn(path),
  flags: flag,
  run: async (use) => {
    const value = use.line.text(flag)
    return { [kind]: await use.api.list(at(path, use) + (value ? `?${name}=${part(value)}` : '')) }
  },
})
const post = (kind: string, path: string, words: number, flags: string, body?: Body): Shape => ({
  kind,
  words,
  flags,
  run: (use) => use.api.post(at(path, use), body ? body(use) : fields(use.line, flags)),
})
const remove = (path: string, flags = 'force'): Shape => ({
  kind: '',
  words: 1,
  flags,
  run: (use) => use.api.delete(at(path, use)),
})
const both = (command: string, kind: string, path: string, flag?: string, name?: string) => ({
  [`${command} list`]: list(kind, path, flag, name),
  [`${command} get`]: get(kind, `${path}/{}`),
})
const dropletAction = (type: string) => post('action', '/droplets/{}/actions', 1, '', droplet({ type }))
const tagging = (method: 'post' | 'delete'): Shape => ({
  kind: '',
  words: 1,
  flags: 'tag-name!',
  run: async ({ api, words, line }) => {
    const resources = [{ resource_id: await dropletId(api, words[0]), resource_type: 'droplet' }]
    return api[method](`/tags/${part(line.text('tag-name'))}/resources`, { resources })
  },
})
const firewallFlags = 'name! inbound-rules outbound-rules tag-names droplet-ids'

/** Every command line that the stand-in of doctl knows, by its words. */
export const shapes: Record<string, Shape> = {
  'account get': get('account', '/account'),
  ...both('projects', 'project', '/projects'),
  'projects create': post('project', '/projects', 0, 'name! purpose! environment description'),
  'projects delete': remove('/projects/{}'),
  'projects resources list': list('resources', '/projects/{}/resources'),
  'projects resources assign': post('resources', '/projects/{}/resources', 1, 'resource!', ({ line }) => ({
    resources: line.many('resource'),
  })),
  ...both('vpcs', 'vpc', '/vpcs'),
  'vpcs create': post('vpc', '/vpcs', 0, 'name! region! ip-range description'),
  'vpcs delete': remove('/vpcs/{}'),
  ...both('compute firewall', 'firewall', '/firewalls'),
  'compute firewall create': post('firewall', '/firewalls', 0, firewallFlags, firewall),
  'compute firewall update': {
    kind: 'firewall',
    words: 1,
    flags: firewallFlags,
    run: (use) => use.api.put(at('/firewalls/{}', use), firewall(use)),
  },
  'compute firewall delete': remove('/firewalls/{}'),
  ...both('compute load-balancer', 'load_balancer', '/load_balancers'),
  'compute load-balancer delete': remove('/load_balancers/{}'),
  ...both('compute ssh-key', 'ssh_key', '/account/keys'),
  'compute ssh-key import': post('ssh_key', '/account/keys', 1, 'public-key-file!', (use) => {
    const key = read(use, 'public-key-file')
    if (!/^(ssh|ecdsa|sk)-\S+ \S+/.test(key)) throw new Failed('ssh: no key found')
    return { name: use.words[0], public_key: key }
  }),
  'compute ssh-key delete': remove('/account/keys/{}'),
  ...both('compute tag', 'tag', '/tags'),
  'compute tag create': post('tag', '/tags', 1, '', ({ words }) => ({ name: words[0] })),
  'compute tag delete': remove('/tags/{}'),
  ...both('compute reserved-ip', 'reserved_ip', '/reserved_ips'),
  'compute reserved-ip create': post('reserved_ip', '/reserved_ips', 0, 'region! project-id'),
  'compute reserved-ip delete': remove('/reserved_ips/{}'),
  'compute reserved-ip-action assign': post('action', '/reserved_ips/{}/actions', 2, '', second('assign')),
  'compute reserved-ip-action unassign': post('action', '/reserved_ips/{}/actions', 1, '', () => ({
    type: 'unassign',
  })),
  ...both('spaces keys', 'key', '/spaces/keys'),
  'spaces keys create': post('key', '/spaces/keys', 1, 'grants!', ({ words, line }) => ({
    name: words[0],
    grants: line.many('grants').map(grant),
  })),
  'spaces keys delete': remove('/spaces/keys/{}', ''),
  'compute droplet list': list('droplet', '/droplets', 'tag-name', 'tag_name'),
  'compute droplet get': {
    ...get('droplet', '/droplets/{}'),
    run: async ({ api, words }) => api.get(`/droplets/${await dropletId(api, words[0])}`),
  },
  'compute droplet create': {
    kind: 'droplet',
    words: 1,
    flags:
      'region size! image! vpc-uuid ssh-keys tag-names user-data-file project-id droplet-agent enable-monitoring',
    run: createDroplet,
  },
  'compute droplet delete': {
    ...remove(''),
    run: async ({ api, words }) => api.delete(`/droplets/${await dropletId(api, words[0])}`),
  },
  'compute droplet tag': tagging('post'),
  'compute droplet untag': tagging('delete'),
  'compute droplet actions': list('action', '/droplets/{}/actions'),
  'compute droplet-action power-off': dropletAction('power_off'),
  'compute droplet-action power-on': dropletAction('power_on'),
  'compute droplet-action power-cycle': dropletAction('power_cycle'),
  'compute droplet-action reboot': dropletAction('reboot'),
  'compute droplet-action shutdown': dropletAction('shutdown'),
  'compute droplet-action resize': post('action', '/droplets/{}/actions', 1, 'size! resize-disk', (use) =>
    droplet({ type: 'resize', size: use.line.text('size'), disk: use.line.has('resize-disk') })(use),
  ),
  ...both('compute volume', 'volume', '/volumes'),
  'compute volume delete': remove('/volumes/{}'),
  'compute volume-action attach': post('action', '/volumes/{}/actions', 2, '', second('attach')),
  'compute volume-action detach': post('action', '/volumes/{}/actions', 2, '', second('detach')),
  ...both('compute snapshot', 'snapshot', '/snapshots', 'resource', 'resource_type'),
  'compute snapshot delete': remove('/snapshots/{}'),
  ...both('compute action', 'action', '/actions'),
  'compute region list': list('region', '/regions'),
  'compute size list': list('size', '/sizes'),
  'compute image list': list('image', '/images'),
}

/** A body for the droplet named by the first word, which must be its number. */
function droplet(body: Json): Body {
  return ({ words }) => (positive(words[0]) ? body : {})
}

/** A body for an action whose second word is a droplet's number. */
function second(type: string): Body {
  return ({ words }) => ({ type, droplet_id: positive(words[1]) })
}

/** doctl looks the project up first, and assigns the droplet in a request of its own after it was created. */
async function createDroplet(use: Use): Promise<Json> {
  const { api, words, line } = use
  const project = line.text('project-id')
  const agent = line.text('droplet-agent')
  const numeric = (word: string) => (/^\d+$/.test(word) ? Number(word) : word)
  if (project && !/^[0-9a-f-]{36}$/i.test(project)) throw new Failed(`Invalid Project UUID - ${project}`)
  const body = {
    name: words[0],
    ...fields(line, 'region size vpc-uuid'),
    image: numeric(line.text('image') ?? ''),
    ssh_keys: line.many('ssh-keys').map(numeric),
    monitoring: line.has('enable-monitoring'),
    tags: line.many('tag-names'),
    ...(line.text('user-data-file') ? { user_data: read(use, 'user-data-file') } : {}),
    ...(agent === undefined ? {} : { with_droplet_agent: agent !== 'false' }),
  }
  if (project) await api.get(`/projects/${project}`)
  const made = await api.post('/droplets', body)
  const resources = [`do:droplet:${(made.droplet as Json).id}`]
  if (project) await api.post(`/projects/${project}/resources`, { resources })
  return made
}

function firewall({ line }: Use): Json {
  return {
    name: line.text('name'),
    inbound_rules: rules(line.text('inbound-rules'), 'sources'),
    outbound_rules: rules(line.text('outbound-rules'), 'destinations'),
    droplet_ids: line.many('droplet-ids').map(Number),
    tags: line.many('tag-names'),
  }
}

/** `protocol:tcp,ports:6443,address:::/0 protocol:…`: rules apart by blanks, keys apart by commas. */
function rules(text: string | undefined, peers: 'sources' | 'destinations'): Json[] {
  return (text?.split(' ') ?? []).map((rule) => {
    const sides: Record<string, string[]> = {}
    const read: Json = { [peers]: sides }
    for (const pair of rule.split(',')) {
      const [, key = '', value = ''] = pair.match(/^(\w+):(.*)$/) ?? []
      const side = { address: 'addresses', tag: 'tags' }[key]
      if (key === 'protocol' || key === 'ports') read[key] = value
      else if (side) sides[side] = [...(sides[side] ?? []), value]
      else throw new Unknown(pair)
    }
    return read
  })
}

/** `bucket=B;permission=readwrite` */
function grant(text: string): Json {
  const { bucket = '', permission = '' } = Object.fromEntries(text.split(';').map((pair) => pair.split('=')))
  return { bucket, permission }
}

/** Flags as they are called in the API: `--ip-range` is `ip_range`. */
function fields(line: Line, flags: string): Json {
  const names = flags.replaceAll('!', '').split(' ')
  const pairs = names.map((flag) => [flag.replaceAll('-', '_'), line.text(flag)] as const)
  return Object.fromEntries(pairs.filter(([, value]) => value !== undefined))
}

function positive(word = ''): number {
  if (/^\d+$/.test(word)) return Number(word)
  throw new Failed(`expected <droplet-id> to be a positive integer, got "${word}"`)
}

/** An id as it is, or the id of the droplet of that name. */
async function dropletId(api: Api, word = ''): Promise<string> {
  if (/^\d+$/.test(word)) return word
  const [found, twin] = (await api.list('/droplets')).filter((one) => one.name === word)
  if (!found) throw new Failed(`Droplet with the name "${word}" could not be found.`)
  if (twin) throw new Failed(`There are several Droplets with the name "${word}".`)
  return String(found.id)
}

function read({ cwd, line }: Use, flag: string): string {
  const file = line.text(flag) ?? ''
  try {
    return readFileSync(resolve(cwd, file), 'utf8')
  } catch {
    throw new Failed(`open ${file}: no such file or directory`)
  }
}
