import { z } from 'zod'

/** What regrow reads of DigitalOcean's answers (https://docs.digitalocean.com/reference/api); other fields are ignored. */
const id = z.union([z.number(), z.string()]).transform(String)

const account = z.object({
  email: z.string().default(''),
  status: z.string().default('active'),
  status_message: z.string().default(''),
  droplet_limit: z.number().default(0),
  volume_limit: z.number().default(0),
  reserved_ip_limit: z.number().default(0),
  uuid: z.string(),
  team: z.object({ uuid: z.string(), name: z.string() }).optional(),
})
export type Account = z.infer<typeof account>

const project = z.object({
  id,
  name: z.string(),
  is_default: z.boolean().default(false),
  description: z.string().nullish(),
  created_at: z.string().optional(),
})
export type Project = z.infer<typeof project>

const projectResource = z.object({ urn: z.string() })

const vpc = z.object({
  id,
  name: z.string(),
  region: z.string(),
  ip_range: z.string(),
  default: z.boolean().default(false),
})
export type Vpc = z.infer<typeof vpc>

const rulePeers = z
  .object({
    addresses: z.array(z.string()).optional(),
    tags: z.array(z.string()).optional(),
    droplet_ids: z.array(z.number()).optional(),
  })
  .nullish()
const firewall = z.object({
  id,
  name: z.string(),
  status: z.string().default('succeeded'),
  tags: z.array(z.string()).nullish(),
  inbound_rules: z
    .array(z.object({ protocol: z.string(), ports: z.string().optional(), sources: rulePeers }))
    .nullish(),
  outbound_rules: z
    .array(z.object({ protocol: z.string(), ports: z.string().optional(), destinations: rulePeers }))
    .nullish(),
})
export type Firewall = z.infer<typeof firewall>

const sshKey = z.object({ id, name: z.string(), fingerprint: z.string(), public_key: z.string() })
export type SshKey = z.infer<typeof sshKey>

const reservedIp = z.object({
  ip: z.string(),
  region: z.object({ slug: z.string() }),
  project_id: z.string().nullish(),
  droplet: z.object({ id }).nullish(),
  /** An action of it is pending, so that it takes no other. */
  locked: z.boolean().optional(),
})
export type ReservedIp = z.infer<typeof reservedIp>

const loadBalancer = z.object({
  id,
  name: z.string().default(''),
  /** How many nodes it has; each is billed. */
  size_unit: z.number().default(1),
  project_id: z.string().nullish(),
  /** Droplets with this tag stand behind it. */
  tag: z.string().nullish(),
  droplet_ids: z.array(id).nullish(),
})
export type LoadBalancer = z.infer<typeof loadBalancer>

const spacesKey = z.object({
  name: z.string(),
  access_key: z.string(),
  created_at: z.string(),
  grants: z.array(z.object({ bucket: z.string(), permission: z.string() })).default([]),
})
export type SpacesKey = z.infer<typeof spacesKey>

const droplet = z.object({
  id,
  name: z.string(),
  status: z.string(),
  locked: z.boolean().default(false),
  size_slug: z.string(),
  /** GiB, as it was made or grown: a smaller size does not take it back. */
  disk: z.number().optional(),
  region: z.object({ slug: z.string() }),
  tags: z.array(z.string()).default([]),
  vpc_uuid: z.string().nullish(),
  volume_ids: z.array(z.string()).default([]),
  created_at: z.string(),
  networks: z
    .object({
      v4: z.array(z.object({ ip_address: z.string(), type: z.string() })).default([]),
    })
    .default({ v4: [] }),
})
export type Droplet = z.infer<typeof droplet>

const action = z.object({ id, status: z.string(), type: z.string(), started_at: z.string().nullish() })
export type Action = z.infer<typeof action>

const volume = z.object({
  id,
  name: z.string(),
  size_gigabytes: z.number(),
  region: z.object({ slug: z.string() }),
  tags: z.array(z.string()).nullish(),
  droplet_ids: z.array(z.number()).default([]),
  created_at: z.string().optional(),
  description: z.string().nullish(),
})
export type Volume = z.infer<typeof volume>

const snapshot = z.object({
  id,
  name: z.string(),
  resource_id: z.string(),
  size_gigabytes: z.number(),
  regions: z.array(z.string()).default([]),
  created_at: z.string(),
  tags: z.array(z.string()).nullish(),
})
export type Snapshot = z.infer<typeof snapshot>

const size = z.object({
  slug: z.string(),
  memory: z.number(),
  vcpus: z.number(),
  disk: z.number(),
  price_monthly: z.number(),
  available: z.boolean(),
  regions: z.array(z.string()),
})
export type Size = z.infer<typeof size>

const region = z.object({
  slug: z.string(),
  name: z.string(),
  available: z.boolean(),
  sizes: z.array(z.string()),
})
export type Region = z.infer<typeof region>

const tag = z.object({ name: z.string() })

const image = z.object({ status: z.string() })

/**
 * Each collection of the API by its name in an answer: what is read of one thing in it, its scope as DigitalOcean's panel
 * names it, and its path where that is another.
 */
export const collections = {
  account: { one: account, scope: 'account' },
  actions: { one: action, scope: 'actions' },
  droplets: { one: droplet, scope: 'droplet' },
  firewalls: { one: firewall, scope: 'firewall' },
  images: { one: image, scope: 'image' },
  keys: { one: spacesKey, scope: 'spaces_key', path: 'spaces/keys' },
  load_balancers: { one: loadBalancer, scope: 'load_balancer' },
  projects: { one: project, scope: 'project' },
  regions: { one: region, scope: 'regions' },
  reserved_ips: { one: reservedIp, scope: 'reserved_ip' },
  resources: { one: projectResource, scope: 'project' },
  sizes: { one: size, scope: 'sizes' },
  snapshots: { one: snapshot, scope: 'snapshot' },
  ssh_keys: { one: sshKey, scope: 'ssh_key', path: 'account/keys' },
  tags: { one: tag, scope: 'tag' },
  volumes: { one: volume, scope: 'block_storage' },
  vpcs: { one: vpc, scope: 'vpc' },
} as const

/** The name of a collection, as a list has it in an answer. */
export type Collection = keyof typeof collections

/** A scope, less what it lets a token do. */
export type Scope = (typeof collections)[Collection]['scope']
