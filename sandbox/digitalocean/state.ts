import { randomBytes, randomUUID } from 'node:crypto'
import type { World } from '../world.ts'

/** What everything has that can be made: when, in ms since 1970, for what the API shows only later. */
export interface Born {
  born: number
}
export interface Project extends Born {
  id: string
  name: string
  description: string
  purpose: string
  environment: string
  is_default: boolean
  created_at: string
  updated_at: string
  resources: { urn: string; assigned_at: string }[]
}
export interface Vpc extends Born {
  id: string
  name: string
  description: string
  region: string
  ip_range: string
  default: boolean
  created_at: string
}
export interface Rule {
  protocol: string
  ports: string
  sources?: unknown
  destinations?: unknown
}
export interface Firewall extends Born {
  id: string
  name: string
  status: 'waiting' | 'succeeded'
  created_at: string
  inbound_rules: Rule[]
  outbound_rules: Rule[]
  droplet_ids: number[]
  tags: string[]
  leaving?: true
}
export interface ReservedIp extends Born {
  ip: string
  region: string
  droplet: number | null
}
export interface SshKey extends Born {
  id: number
  name: string
  public_key: string
  fingerprint: string
}
export interface SpacesKey extends Born {
  name: string
  access_key: string
  secret_key: string
  created_at: string
  grants: { bucket: string; permission: string }[]
}
export interface Droplet extends Born {
  id: number
  name: string
  region: string
  size: string
  /** GB; a resize without `disk` leaves it. */
  disk: number
  image: number
  status: 'new' | 'active' | 'off'
  created_at: string
  features: string[]
  tags: string[]
  vpc: string
  publicAddress: string
  privateAddress: string
  userData: string
}
export interface Volume extends Born {
  id: string
  name: string
  description: string
  region: string
  size_gigabytes: number
  filesystem_type: string
  filesystem_label: string
  created_at: string
  tags: string[]
  droplet_ids: number[]
}
/** Of a volume or of a droplet; the id of a droplet's snapshot is that of an image, a number as text. */
export interface Snapshot extends Born {
  id: string
  name: string
  created_at: string
  region: string
  resource_id: string
  resource_type: 'volume' | 'droplet'
  size_gigabytes: number
  min_disk_size: number
  tags: string[]
}
/** What is under way or was; `about` holds what its effect needs, so that the next wrapper can finish it. */
export interface Action extends Born {
  id: number
  kind: 'droplet' | 'volume' | 'address'
  type: string
  status: 'in-progress' | 'completed' | 'errored'
  started_at: string
  completed_at: string | null
  resource_id: number | null
  resource_type: string
  region: string
  ended?: number
  about: {
    /** The droplet that is busy with it. */
    droplet?: number
    volume?: string
    ip?: string
    size?: string
    disk?: boolean
    name?: string
    volumes?: string[]
  }
}

/** Everything that the simulated DigitalOcean knows, as it lies in `digitalocean.json`. */
export interface State {
  token: string
  user: string
  team: string
  /** A full-access key for the person in the box; it belongs to no account. */
  visitor: SpacesKey
  nextId: number
  nextHost: number
  projects: Project[]
  vpcs: Vpc[]
  firewalls: Firewall[]
  sshKeys: SshKey[]
  reservedIps: ReservedIp[]
  spacesKeys: SpacesKey[]
  tags: ({ name: string } & Born)[]
  droplets: Droplet[]
  volumes: Volume[]
  snapshots: Snapshot[]
  actions: Action[]
}

/** RFC 3339 to the second, as DigitalOcean writes times. */
export const now = () => new Date().toISOString().replace(/\.\d+Z$/, 'Z')

/** A new Spaces key with its secret. */
export function makeSpacesKey(name: string, grants: SpacesKey['grants']): SpacesKey {
  return {
    name,
    access_key: `DO00${randomBytes(8).toString('hex').toUpperCase()}`,
    secret_key: randomBytes(32).toString('base64').replaceAll('=', ''),
    created_at: now(),
    grants,
    born: Date.now(),
  }
}

/** The state as saved, or that of a fresh account: a default project and nothing else. */
export function openState(world: World): State {
  const saved = world.load('digitalocean') as State | undefined
  if (saved) return saved
  const first: Project = {
    id: randomUUID(),
    name: 'first-project',
    description: 'Update your project information under Settings',
    purpose: 'Just trying out DigitalOcean',
    environment: 'Development',
    is_default: true,
    created_at: now(),
    updated_at: now(),
    born: 0,
    resources: [],
  }
  return {
    token: `dop_v1_${randomBytes(32).toString('hex')}`,
    user: randomUUID(),
    team: randomUUID(),
    visitor: makeSpacesKey('visitor', [{ bucket: '', permission: 'fullaccess' }]),
    nextId: 400_000_001,
    nextHost: 1,
    projects: [first],
    vpcs: [],
    firewalls: [],
    sshKeys: [],
    reservedIps: [],
    spacesKeys: [],
    tags: [],
    droplets: [],
    volumes: [],
    snapshots: [],
    actions: [],
  }
}
