import { randomBytes, randomUUID } from 'node:crypto'
import type { World } from '../world.ts'

/** What everything has that was made: `born` is `created_at` in ms, for what the API shows only later. */
export type Born = { born: number }
type Made = Born & { created_at: string }
type Named = Made & { id: string; name: string; description: string }

export type Project = Named & {
  purpose: string
  environment: string
  is_default: boolean
  updated_at: string
  resources: { urn: string; assigned_at: string }[]
}
export type Vpc = Named & { region: string; ip_range: string; default: boolean }
export type Rule = { protocol: string; ports: string; sources?: unknown; destinations?: unknown }
export type Firewall = Made & {
  id: string
  name: string
  status: 'waiting' | 'succeeded'
  inbound_rules: Rule[]
  outbound_rules: Rule[]
  droplet_ids: number[]
  tags: string[]
  leaving?: true
}
export type ReservedIp = Born & { ip: string; region: string; droplet: number | null }
export type SshKey = Born & { id: number; name: string; public_key: string; fingerprint: string }
export type Grant = { bucket: string; permission: string }
export type SpacesKey = Made & { name: string; access_key: string; secret_key: string; grants: Grant[] }
export type LoadBalancer = Made & {
  id: string
  name: string
  region: string
  ip: string
  size_unit: number
  forwarding_rules: object[]
  droplet_ids: number[]
  tag: string
  vpc_uuid: string
}
export type Tag = Born & { name: string }
export type Droplet = Made & {
  id: number
  name: string
  region: string
  size: string
  /** GB; a resize without `disk` leaves it. */
  disk: number
  image: string
  status: 'new' | 'active' | 'off'
  features: string[]
  tags: string[]
  vpc: string
  publicAddress: string
  privateAddress: string
  userData: string
}
export type Volume = Named & {
  region: string
  size_gigabytes: number
  filesystem_type: string
  filesystem_label: string
  tags: string[]
  droplet_ids: number[]
}
/** Of a volume, or of a droplet: then the id is a number as text. */
export type Snapshot = Made & {
  id: string
  name: string
  region: string
  resource_id: string
  resource_type: 'volume' | 'droplet'
  size_gigabytes: number
  min_disk_size: number
  tags: string[]
}
/** What is under way or was; `about` is what its effect needs, so that the next wrapper can finish it. */
export type Action = Born & {
  id: number
  kind: 'droplet' | 'volume' | 'address'
  type: string
  status: 'in-progress' | 'completed' | 'errored'
  started_at: string
  completed_at: string | null
  region: string
  /** `completed_at` in ms. */
  ended?: number
  about: About
}
/** `droplet` is the one that is busy with it. */
export type About = {
  droplet?: number
  volume?: string
  ip?: string
  size?: string
  disk?: boolean
  name?: string
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
  tags: Tag[]
  droplets: Droplet[]
  volumes: Volume[]
  snapshots: Snapshot[]
  loadBalancers: LoadBalancer[]
  actions: Action[]
}

/** The first traits of what is made now. */
export const made = () => ({ created_at: now(), born: Date.now() })

/** RFC 3339 to the second, as DigitalOcean writes times. */
export const now = () => new Date().toISOString().replace(/\.\d+Z$/, 'Z')

/** A new Spaces key with its secret. */
export function makeSpacesKey(name: string, grants: Grant[]): SpacesKey {
  const access_key = `DO00${randomBytes(8).toString('hex').toUpperCase()}`
  const secret_key = randomBytes(32).toString('base64').replaceAll('=', '')
  return { name, access_key, secret_key, grants, ...made() }
}

/** The state as saved, or that of a fresh account: a default project and nothing else. */
export function openState(world: World): State {
  const saved = world.load('digitalocean') as State | undefined
  // A world of an earlier version knew none.
  if (saved) return { ...saved, loadBalancers: saved.loadBalancers ?? [] }
  const first: Project = {
    id: randomUUID(),
    name: 'first-project',
    description: '',
    purpose: 'Just trying out DigitalOcean',
    environment: 'Development',
    is_default: true,
    ...made(),
    updated_at: now(),
    resources: [],
  }
  const nothing = { vpcs: [], firewalls: [], sshKeys: [], reservedIps: [], spacesKeys: [], tags: [] }
  return {
    token: `dop_v1_${randomBytes(32).toString('hex')}`,
    user: randomUUID(),
    team: randomUUID(),
    visitor: makeSpacesKey('visitor', [{ bucket: '', permission: 'fullaccess' }]),
    nextId: 400_000_001,
    nextHost: 1,
    projects: [first],
    ...nothing,
    droplets: [],
    volumes: [],
    snapshots: [],
    loadBalancers: [],
    actions: [],
  }
}
