import { z } from 'zod'

/** What regrow reads of DigitalOcean's answers (https://docs.digitalocean.com/reference/api); other fields are ignored. */
const id = z.union([z.number(), z.string()]).transform(String)

export const account = z.object({
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

export const project = z.object({
  id,
  name: z.string(),
  is_default: z.boolean().default(false),
  description: z.string().nullish(),
  created_at: z.string().optional(),
})
export type Project = z.infer<typeof project>

export const projectResource = z.object({ urn: z.string() })

export const vpc = z.object({
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
export const firewall = z.object({
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

export const sshKey = z.object({ id, name: z.string(), fingerprint: z.string(), public_key: z.string() })
export type SshKey = z.infer<typeof sshKey>

export const reservedIp = z.object({
  ip: z.string(),
  region: z.object({ slug: z.string() }),
  project_id: z.string().nullish(),
  droplet: z.object({ id }).nullish(),
  /** An action of it is pending, so that it takes no other. */
  locked: z.boolean().optional(),
})
export type ReservedIp = z.infer<typeof reservedIp>

export const loadBalancer = z.object({
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

export const spacesKey = z.object({
  name: z.string(),
  access_key: z.string(),
  created_at: z.string(),
  grants: z.array(z.object({ bucket: z.string(), permission: z.string() })).default([]),
})
export type SpacesKey = z.infer<typeof spacesKey>

export const droplet = z.object({
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

export const action = z.object({ id, status: z.string(), type: z.string(), started_at: z.string().nullish() })
export type Action = z.infer<typeof action>

export const volume = z.object({
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

export const snapshot = z.object({
  id,
  name: z.string(),
  resource_id: z.string(),
  size_gigabytes: z.number(),
  regions: z.array(z.string()).default([]),
  created_at: z.string(),
  tags: z.array(z.string()).nullish(),
})
export type Snapshot = z.infer<typeof snapshot>

export const size = z.object({
  slug: z.string(),
  memory: z.number(),
  vcpus: z.number(),
  disk: z.number(),
  price_monthly: z.number(),
  available: z.boolean(),
  regions: z.array(z.string()),
})
export type Size = z.infer<typeof size>

export const region = z.object({
  slug: z.string(),
  name: z.string(),
  available: z.boolean(),
  sizes: z.array(z.string()),
})
export type Region = z.infer<typeof region>

export const tag = z.object({ name: z.string() })
