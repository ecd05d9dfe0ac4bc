import { isIP } from 'node:net'
import { dump } from 'js-yaml'
import { z } from 'zod'
import { clusterName, isMachineName, names } from '../base/names.ts'
import { loadYaml } from '../base/yaml.ts'
import { isCron, runsADay } from './cron.ts'
import { endpointFault } from './endpoint.ts'
import { type Fault, faultsOf } from './faults.ts'
import { isNetwork, overlap } from './ranges.ts'
import { parts, pinned } from './versions.ts'

const cidr = z
  .string()
  .refine(isCidr, { error: 'is not an address range such as 203.0.113.7/32' })
  .meta({ description: 'An address range such as 203.0.113.7/32.' })

/** DigitalOcean's rules for a private network (https://docs.digitalocean.com/products/networking/vpc/details/limits). */
const privateRange = cidr
  .refine((range) => !isCidr(range) || isNetwork(range), {
    error: 'is not a network: the address has bits beyond its prefix, or it is not IPv4',
  })
  .refine(
    (range) =>
      !isNetwork(range) ||
      ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'].some((one) => overlap(one, range)),
    { error: 'is not private: take one of 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16' },
  )
  .refine((range) => !isNetwork(range) || /\/(1[6-9]|2[0-8])$/.test(range), {
    error: 'has a size that DigitalOcean does not make: take /16 to /28',
  })

/** S3's rules for a bucket's name, dots left out because TLS does not cover them. */
const bucketName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/, 'is not a bucket’s name: 3 to 63 of a-z, 0-9 and -')

/** These words reach command lines: none begins as an option does. */
const size = [/^[a-z0-9][a-z0-9.-]*$/, 'is not a size such as s-1vcpu-2gb'] as const

const node = z.strictObject({
  name: z
    .string()
    .meta({ description: 'Name of the droplet and of the node. Numbers are never used twice.' }),
  role: z.enum(['server', 'agent']).default('server').meta({ description: 'What it does.' }),
  size: z
    .string()
    .regex(...size)
    .optional()
    .meta({ description: 'Droplet size, when it differs from the cluster’s.' }),
})

const fields = z.strictObject({
  cluster: z
    .string()
    .regex(clusterName, 'must start with a letter, have at most 20 of a-z, 0-9 and -, and not end with -')
    .default('main')
    .meta({ description: 'Name of the cluster; part of every name that regrow gives.' }),
  region: z
    .string()
    .regex(/^[a-z]{3}\d$/, 'is not a region such as fra1')
    .default('fra1')
    .meta({ description: 'DigitalOcean region.' }),
  size: z
    .string()
    .regex(...size)
    .default('s-1vcpu-2gb')
    .meta({ description: 'Droplet size, at least 2 GB of memory.' }),
  image: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]*$/, 'is not an image such as debian-13-x64')
    .default('debian-13-x64')
    .meta({ description: 'Droplet image; the node’s scripts are written for Debian 13 and Ubuntu 24.04.' }),
  datastore: z
    .enum(['sqlite', 'etcd'])
    .default('sqlite')
    .meta({ description: 'Where Kubernetes keeps its objects; etcd with three servers.' }),
  nodes: z.array(node).default([]).meta({ description: 'The machines; the first is the first server.' }),
  nextNode: z.int().min(1).default(1).meta({ description: 'Number of the next machine.' }),
  network: z
    .strictObject({
      range: privateRange
        .default('10.110.0.0/20')
        .meta({ description: 'Range of the private network; must not meet 10.42.0.0/16 and 10.43.0.0/16.' }),
      adminCidrs: z.array(cidr).min(1).default(['0.0.0.0/0', '::/0']).meta({
        description: 'Who may reach the Kubernetes API (certificates and tokens protect it: security.md).',
      }),
    })
    .prefault({}),
  domain: z
    .string()
    .regex(/^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$/, 'is not a domain such as example.org')
    .optional()
    .meta({ description: 'Domain of the apps. With it certificates come from Let’s Encrypt.' }),
  email: z.email('is not an e-mail address').optional().meta({ description: 'Contact for Let’s Encrypt.' }),
  backups: z
    .strictObject({
      schedule: z
        .string()
        .refine(isCron, { error: 'is not a cron schedule of five fields of numbers such as 17 3 * * *' })
        .default('17 3 * * *')
        .meta({ description: 'When, as cron (UTC).' }),
      keepDays: z.int().min(1).max(3650).default(30).meta({ description: 'How many days a backup is kept.' }),
      volumes: z.enum(['s3', 'snapshot']).default('s3').meta({
        description:
          's3: volumes are copied into the bucket; snapshot: they stay at DigitalOcean (same region and account).',
      }),
    })
    .prefault({})
    .refine(
      ({ volumes, keepDays, schedule }) => volumes !== 'snapshot' || keepDays * runsADay(schedule) <= 24,
      {
        path: ['keepDays'],
        error:
          'must be at most 24 with snapshots, less where several are taken a day: DigitalOcean keeps 25 a volume',
      },
    ),
  store: z
    .strictObject({
      endpoint: z
        .url({ protocol: /^https?$/, error: 'is not an address such as https://s3.example.org' })
        // Velero's copier takes no path in it.
        .regex(/^\w+:\/\/[^/?#]+\/?$/, 'must have no path')
        .superRefine((text, context) => {
          const fault = endpointFault(text)
          if (fault) context.addIssue({ code: 'custom', message: fault })
        })
        .optional()
        .meta({
          description:
            'S3 endpoint of another store than Spaces (Backblaze B2, Wasabi, …), with https; `REGROW_STORE_ENDPOINT` must say the same.',
        }),
      region: z
        .string()
        .regex(/^[a-z0-9][a-z0-9-]*$/, 'is not a region such as eu-central-1')
        .optional()
        .meta({ description: 'Region of the buckets; the cluster’s for Spaces.' }),
      velero: bucketName
        .optional()
        .meta({ description: 'Bucket of the backups; the cluster’s key can touch only this one.' }),
      kit: bucketName.optional().meta({ description: 'Bucket of the recovery kit.' }),
    })
    .prefault({})
    .refine((store) => !store.endpoint || (store.velero && store.kit && store.region), {
      error: 'needs region, velero and kit beside endpoint: you make the buckets there yourself',
    })
    .refine((store) => !store.velero || store.velero !== store.kit, {
      path: ['kit'],
      error: 'must be another bucket than velero: the cluster’s key may not open the kit',
    }),
  versions: z
    .record(
      z.string().refine((name) => Object.hasOwn(parts, name), {
        error: `is not one of ${Object.keys(parts).join(', ')}`,
      }),
      pinned,
    )
    .refine((versions) => !/^v1\.14\.[12]$/.test(versions['velero-plugin-for-aws'] ?? ''), {
      path: ['velero-plugin-for-aws'],
      error: 'damages what it writes to Spaces (velero#9951): take v1.14.3 or leave it out',
    })
    .default({})
    .meta({ description: 'Versions, by the names in lib/cluster/versions.ts.' }),
  digests: z
    .record(z.string(), z.string().regex(/^[0-9a-f]{64}$/, 'is not a SHA-256: 64 of 0-9 and a-f'))
    .default({})
    .meta({
      description:
        'SHA-256 of what upstream serves, recorded at the first bootstrap and enforced ever after.',
    }),
})

/**
 * The schema of `cluster.yaml`: what is wanted. It is at once validation, defaults and the reference page
 * (docs/cluster-yaml.md is made from it).
 */
export const description = fields.superRefine((wanted, context) => {
  for (const message of machineFaults(wanted)) context.addIssue({ code: 'custom', path: ['nodes'], message })
})

/** What is wanted, with every default filled in. */
export type Description = z.infer<typeof description>

/** What is wrong with the machines together: a name is `<cluster>-<number>`, and no number comes twice. */
function machineFaults(wanted: z.infer<typeof fields>): string[] {
  const { cluster, datastore, nextNode, nodes } = wanted
  const twice = nodes.find((node, index) => nodes.findIndex((one) => one.name === node.name) !== index)
  const odd = nodes.filter(({ name }) => {
    const number = Number(name.slice(cluster.length + 1))
    return names.droplet(cluster, number) !== name || !(number >= 1 && number < nextNode)
  })
  const servers = nodes.filter((node) => node.role === 'server').length
  return [
    ...(twice ? [`names ${twice.name} twice`] : []),
    ...odd.map((one) => `names ${one.name}, which is not ${cluster}-<a number below nextNode, ${nextNode}>`),
    ...(nodes[0] && nodes[0].role !== 'server'
      ? [`begins with ${nodes[0].name}, which is not a server`]
      : []),
    ...(datastore === 'sqlite' && servers > 1
      ? [`has ${servers} servers; SQLite serves one, etcd several`]
      : []),
  ]
}

/** Parses the text of a `cluster.yaml`. @returns the description, or every fault of it */
export function parseDescription(text: string): { description: Description } | { faults: Fault[] } {
  let raw: unknown
  try {
    // An empty document is no document to js-yaml, and a description with nothing but defaults to us.
    raw = text.replace(/^[ \t]*#.*$/gm, '').trim() === '' ? {} : loadYaml(text)
  } catch (error) {
    return {
      faults: [
        {
          key: '',
          fault: `is not valid YAML: ${error instanceof Error ? error.message.split('\n')[0] : error}`,
        },
      ],
    }
  }
  const read = description.safeParse(raw)
  return read.success ? { description: read.data } : { faults: faultsOf(read.error, raw, description) }
}

/** The text of a `cluster.yaml`: the marker keeps Argo CD from taking it for a manifest. */
export function renderDescription(wanted: Description): string {
  return `# +argocd:skip-file-rendering\n# What this cluster is to be: bootstrap and scale make the cloud equal to it.\n${dump(wanted, { sortKeys: false, lineWidth: 110 })}`
}

/** The path of a cluster's description in the GitOps repository. */
export const descriptionPath = (cluster: string) => `clusters/${cluster}/cluster.yaml`

/** Where the repository holds a cluster's storage location. */
export const locationPath = (cluster: string) => `clusters/${cluster}/platform/backups/location.yaml`

/** The description with its first server in it: a new cluster's gets number 1. */
export function withFirstServer(wanted: Description): Description {
  if (wanted.nodes.length > 0) return wanted
  const name = names.droplet(wanted.cluster, wanted.nextNode)
  return { ...wanted, nodes: [{ name, role: 'server' }], nextNode: wanted.nextNode + 1 }
}

function isCidr(text: string): boolean {
  const [address, bits, more] = text.split('/')
  const family = isIP(address ?? '')
  return (
    more === undefined &&
    family !== 0 &&
    /^\d{1,3}$/.test(bits ?? '') &&
    Number(bits) <= (family === 4 ? 32 : 128)
  )
}

/** Whether regrow gave this name to a machine of the cluster at some time. */
export const wasGiven = ({ cluster, nextNode }: Pick<Description, 'cluster' | 'nextNode'>, name: string) =>
  isMachineName(cluster, name) && Number(name.slice(cluster.length + 1)) < nextNode
