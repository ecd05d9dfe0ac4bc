import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Failed, type Line, Unknown } from './call.ts'
import type { Api, Json } from './doctl-api.ts'

/** What a shape's work is given: the API, the words behind the command, the flags, and the caller's folder. */
export interface Use {
  api: Api
  words: string[]
  line: Line
  cwd: string
}

/** One command line that the stand-in knows. */
export interface Shape {
  /** What is printed: the key in the API's answer and the name of the columns; nothing without. */
  kind?: string
  /** How many words follow the command. */
  words: number
  /** Names of its flags, a required one with `!`. */
  flags: string
  run(use: Use): Promise<Json>
}

const part = (text: string) => encodeURIComponent(text).replaceAll('%3A', ':')

const list = (kind: string, path: string, filters: Record<string, string> = {}): Shape => ({
  kind,
  words: path.includes('{}') ? 1 : 0,
  flags: Object.keys(filters).join(' '),
  run: async ({ api, line, words }) => {
    const query = Object.entries(filters).filter(([flag]) => line.text(flag))
    const search = query.map(([flag, name]) => `${name}=${part(line.text(flag) ?? '')}`).join('&')
    const address = path.replace('{}', words[0] ?? '')
    return { [kind]: await api.list(search ? `${address}?${search}` : address) }
  },
})
const get = (kind: string, path: string): Shape => ({
  kind,
  words: 1,
  flags: '',
  run: ({ api, words }) => api.get(`${path}/${part(words[0] ?? '')}`),
})
const remove = (path: string, flags = 'force'): Shape => ({
  words: 1,
  flags,
  run: ({ api, words }) => api.delete(`${path}/${part(words[0] ?? '')}`),
})
/** Flags become the body: `--ip-range` is `ip_range`. */
const create = (kind: string, path: string, flags: string): Shape => ({
  kind,
  words: 0,
  flags,
  run: ({ api, line }) => api.post(path, bodyOf(line, flags)),
})
const action = (type: string, path: string, words: number, flags = ''): Shape => ({
  kind: 'action',
  words,
  flags,
  run: ({ api, words: [id = '', droplet], line }) => {
    if (path === '/droplets') positive(id)
    const size = line.text('size')
    return api.post(`${path}/${id}/actions`, {
      type,
      ...(droplet === undefined ? {} : { droplet_id: positive(droplet) }),
      ...(size ? { size, disk: line.has('resize-disk') } : {}),
    })
  },
})
const tagging = (method: 'post' | 'delete'): Shape => ({
  words: 1,
  flags: 'tag-name!',
  run: async ({ api, words, line }) => {
    const id = await dropletId(api, words[0] ?? '')
    const body = { resources: [{ resource_id: String(id), resource_type: 'droplet' }] }
    return api[method](`/tags/${part(line.text('tag-name') ?? '')}/resources`, body)
  },
})
const firewall = (method: 'post' | 'put', words: number): Shape => ({
  kind: 'firewall',
  words,
  flags: 'name! inbound-rules outbound-rules tag-names droplet-ids',
  run: ({ api, words: [id], line }) =>
    api[method](id ? `/firewalls/${id}` : '/firewalls', {
      name: line.text('name'),
      inbound_rules: rules(line.text('inbound-rules'), 'sources'),
      outbound_rules: rules(line.text('outbound-rules'), 'destinations'),
      droplet_ids: line.many('droplet-ids').map(Number),
      tags: line.many('tag-names'),
    }),
})
const reading = (command: string, kind: string, path: string, filters?: Record<string, string>) => ({
  [`${command} list`]: list(kind, path, filters),
  [`${command} get`]: get(kind, path),
})

/** Every command line that the stand-in of doctl knows, by its words. */
export const shapes: Record<string, Shape> = {
  'account get': { kind: 'account', words: 0, flags: '', run: ({ api }) => api.get('/account') },
  ...reading('projects', 'project', '/projects'),
  ...reading('vpcs', 'vpc', '/vpcs'),
  ...reading('compute firewall', 'firewall', '/firewalls'),
  ...reading('compute ssh-key', 'ssh_key', '/account/keys'),
  ...reading('compute tag', 'tag', '/tags'),
  ...reading('compute reserved-ip', 'reserved_ip', '/reserved_ips'),
  ...reading('spaces keys', 'key', '/spaces/keys'),
  ...reading('compute droplet', 'droplet', '/droplets', { 'tag-name': 'tag_name' }),
  ...reading('compute volume', 'volume', '/volumes'),
  ...reading('compute snapshot', 'snapshot', '/snapshots', { resource: 'resource_type' }),
  ...reading('compute action', 'action', '/actions'),
  'compute region list': list('region', '/regions'),
  'compute size list': list('size', '/sizes'),
  'compute image list': list('image', '/images'),
  'compute droplet actions': list('action', '/droplets/{}/actions'),
  'projects resources list': list('resources', '/projects/{}/resources'),
  'projects resources assign': {
    kind: 'resources',
    words: 1,
    flags: 'resource!',
    run: ({ api, words, line }) =>
      api.post(`/projects/${words[0]}/resources`, { resources: line.many('resource') }),
  },
  'projects create': create('project', '/projects', 'name! purpose! environment description'),
  'projects delete': remove('/projects'),
  'vpcs create': create('vpc', '/vpcs', 'name! region! ip-range description'),
  'vpcs delete': remove('/vpcs'),
  'compute firewall create': firewall('post', 0),
  'compute firewall update': firewall('put', 1),
  'compute firewall delete': remove('/firewalls'),
  'compute ssh-key import': {
    kind: 'ssh_key',
    words: 1,
    flags: 'public-key-file!',
    run: ({ api, words, line, cwd }) => {
      const key = read(cwd, line.text('public-key-file') ?? '')
      if (!/^(ssh|ecdsa|sk)-\S+ \S+/.test(key)) throw new Failed('ssh: no key found')
      return api.post('/account/keys', { name: words[0], public_key: key })
    },
  },
  'compute ssh-key delete': remove('/account/keys'),
  'compute tag create': {
    kind: 'tag',
    words: 1,
    flags: '',
    run: ({ api, words }) => api.post('/tags', { name: words[0] }),
  },
  'compute tag delete': remove('/tags'),
  'compute reserved-ip create': create('reserved_ip', '/reserved_ips', 'region! project-id'),
  'compute reserved-ip delete': remove('/reserved_ips'),
  'compute reserved-ip-action assign': action('assign', '/reserved_ips', 2),
  'compute reserved-ip-action unassign': action('unassign', '/reserved_ips', 1),
  'spaces keys create': {
    kind: 'key',
    words: 1,
    flags: 'grants!',
    run: ({ api, words, line }) =>
      api.post('/spaces/keys', { name: words[0], grants: line.many('grants').map(grant) }),
  },
  'spaces keys delete': remove('/spaces/keys', ''),
  'compute droplet get': {
    kind: 'droplet',
    words: 1,
    flags: '',
    run: async ({ api, words }) => api.get(`/droplets/${await dropletId(api, words[0] ?? '')}`),
  },
  'compute droplet create': {
    kind: 'droplet',
    words: 1,
    flags:
      'region size! image! vpc-uuid ssh-keys tag-names user-data-file project-id droplet-agent enable-monitoring',
    run: createDroplet,
  },
  'compute droplet delete': {
    words: 1,
    flags: 'force',
    run: async ({ api, words }) => api.delete(`/droplets/${await dropletId(api, words[0] ?? '')}`),
  },
  'compute droplet tag': tagging('post'),
  'compute droplet untag': tagging('delete'),
  'compute droplet-action power-off': action('power_off', '/droplets', 1),
  'compute droplet-action power-on': action('power_on', '/droplets', 1),
  'compute droplet-action power-cycle': action('power_cycle', '/droplets', 1),
  'compute droplet-action reboot': action('reboot', '/droplets', 1),
  'compute droplet-action shutdown': action('shutdown', '/droplets', 1),
  'compute droplet-action resize': action('resize', '/droplets', 1, 'size! resize-disk'),
  'compute volume delete': remove('/volumes'),
  'compute volume-action attach': action('attach', '/volumes', 2),
  'compute volume-action detach': action('detach', '/volumes', 2),
  'compute snapshot delete': remove('/snapshots'),
}

/** doctl looks the project up first, and assigns the droplet in a request of its own after it was created. */
async function createDroplet({ api, words, line, cwd }: Use): Promise<Json> {
  const project = line.text('project-id')
  const file = line.text('user-data-file')
  const agent = line.text('droplet-agent')
  if (project && !/^[0-9a-f-]{36}$/i.test(project)) throw new Failed(`Invalid Project UUID - ${project}`)
  const userData = file ? { user_data: read(cwd, file) } : {}
  if (project) await api.get(`/projects/${project}`)
  const made = await api.post('/droplets', {
    name: words[0],
    ...bodyOf(line, 'region size vpc-uuid'),
    image: numeric(line.text('image') ?? ''),
    ssh_keys: line.many('ssh-keys').map(numeric),
    monitoring: line.has('enable-monitoring'),
    ...userData,
    tags: line.many('tag-names'),
    ...(agent === undefined ? {} : { with_droplet_agent: agent !== 'false' }),
  })
  const urn = `do:droplet:${(made.droplet as Json).id}`
  if (project) await api.post(`/projects/${project}/resources`, { resources: [urn] })
  return made
}

function bodyOf(line: Line, flags: string): Json {
  const names = flags.replaceAll('!', '').split(' ')
  const pairs = names.map((flag) => [flag.replaceAll('-', '_'), line.text(flag)] as const)
  return Object.fromEntries(pairs.filter(([, value]) => value !== undefined))
}

const numeric = (word: string) => (/^\d+$/.test(word) ? Number(word) : word)

function positive(word: string): number {
  if (/^\d+$/.test(word)) return Number(word)
  throw new Failed(`expected <droplet-id> to be a positive integer, got "${word}"`)
}

/** An id as it is, or the id of the droplet of that name. */
async function dropletId(api: Api, word: string): Promise<number> {
  if (/^\d+$/.test(word)) return Number(word)
  const [found, twin] = (await api.list('/droplets')).filter((droplet) => droplet.name === word)
  if (!found) throw new Failed(`Droplet with the name "${word}" could not be found.`)
  if (twin) throw new Failed(`There are several Droplets with the name "${word}".`)
  return Number(found.id)
}

function read(cwd: string, file: string): string {
  try {
    return readFileSync(resolve(cwd, file), 'utf8')
  } catch {
    throw new Failed(`open ${file}: no such file or directory`)
  }
}

/** `protocol:tcp,ports:6443,address:::/0 protocol:…`: rules apart by blanks, keys apart by commas. */
function rules(text: string | undefined, peers: 'sources' | 'destinations'): Json[] {
  const known: Record<string, string> = { address: 'addresses', tag: 'tags', droplet_id: 'droplet_ids' }
  return (text?.split(' ') ?? []).map((rule) => {
    const sides: Record<string, unknown[]> = {}
    const read: Json = { [peers]: sides }
    for (const pair of rule.split(',')) {
      const [, key = '', value = ''] = pair.match(/^(\w+):(.*)$/) ?? []
      const side = known[key]
      if (key === 'protocol' || key === 'ports') read[key] = value
      else if (side) sides[side] = [...(sides[side] ?? []), key === 'droplet_id' ? Number(value) : value]
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
