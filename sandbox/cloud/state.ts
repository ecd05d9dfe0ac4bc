import { randomBytes, randomUUID } from 'node:crypto'
import type { World } from '../world.ts'

export interface Droplet {
  id: number
  name: string
  region: string
  size: string
  image: string
  status: 'new' | 'active' | 'off'
  created_at: string
  tags: string[]
  vpc: string
  publicAddress: string
  privateAddress: string
  userData: string
  networksKnown: boolean
}
export interface Action {
  id: number
  status: 'in-progress' | 'completed' | 'errored'
  type: string
  started_at: string
  completed_at: string | null
  resource_id: number
  resource_type: string
  region: string
}
export interface Rule {
  protocol: string
  ports?: string
  sources?: Record<string, unknown>
  destinations?: Record<string, unknown>
}
export interface Firewall {
  id: string
  name: string
  status: string
  created_at: string
  inbound_rules: Rule[]
  outbound_rules: Rule[]
  droplet_ids: number[]
  tags: string[]
}
export interface Volume {
  id: string
  name: string
  region: string
  size_gigabytes: number
  description: string
  tags: string[]
  droplet_ids: number[]
  created_at: string
  filesystem_type: string
}
export interface Snapshot {
  id: string
  name: string
  region: string
  resource_id: string
  size_gigabytes: number
  created_at: string
  tags: string[]
}
export interface SpacesKey {
  name: string
  access_key: string
  secret_key: string
  created_at: string
  grants: { bucket: string; permission: string }[]
}

/** Everything that the simulated DigitalOcean knows. */
export interface State {
  token: string
  userUuid: string
  teamUuid: string
  nextId: number
  nextHost: number
  projects: {
    id: string
    name: string
    description: string
    purpose: string
    environment: string
    is_default: boolean
    created_at: string
    resources: string[]
  }[]
  vpcs: { id: string; name: string; region: string; ip_range: string; default: boolean; created_at: string }[]
  firewalls: Firewall[]
  sshKeys: { id: number; name: string; public_key: string; fingerprint: string }[]
  reservedIps: { ip: string; region: string; project_id: string; droplet: number | null }[]
  spacesKeys: SpacesKey[]
  tags: string[]
  droplets: Droplet[]
  actions: Action[]
  volumes: Volume[]
  snapshots: Snapshot[]
}

/** The state as saved, or that of a fresh account: a default project and nothing else. */
export function openState(world: World): State {
  const saved = world.load('digitalocean') as State | undefined
  if (saved) return saved
  return {
    token: `dop_v1_${randomBytes(32).toString('hex')}`,
    userUuid: randomUUID(),
    teamUuid: randomUUID(),
    nextId: 400_000_001,
    nextHost: 1,
    projects: [
      {
        id: randomUUID(),
        name: 'first-project',
        description: '',
        purpose: 'Just trying out DigitalOcean',
        environment: 'Development',
        is_default: true,
        created_at: now(),
        resources: [],
      },
    ],
    vpcs: [],
    firewalls: [],
    sshKeys: [],
    reservedIps: [],
    spacesKeys: [],
    tags: [],
    droplets: [],
    actions: [],
    volumes: [],
    snapshots: [],
  }
}

/** RFC 3339 to the second, as DigitalOcean writes times. */
export const now = () => new Date().toISOString().replace(/\.\d+Z$/, 'Z')
