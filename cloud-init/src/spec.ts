import { isIPv4 } from 'node:net'
import { z } from 'zod'
import { Problem } from './problem.ts'

const dnsLabel = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'is not a name of a-z, 0-9 and -')
const ipv4 = z.string().refine((text) => isIPv4(text), 'is not an IPv4 address')
const ipv4Range = z.string().refine((text) => isIpv4Range(text), 'is not an IPv4 range such as 10.110.0.0/20')
const url = z.url({ protocol: /^https?$/, error: 'is not an http or https URL' })
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'is not a SHA-256 in lower-case hex')
const word = z.string().regex(/^\S{16,}$/, 'is not a text of 16 characters or more without white space')

/** What one node of a k3s cluster is to be: everything that is known before the machine is there. */
export const nodeSpec = z
  .strictObject({
    cluster: dnsLabel,
    /** The droplet's name, which is the node's name too. */
    name: dnsLabel,
    /** `first-server` starts the cluster, `server` and `agent` join it. */
    role: z.enum(['first-server', 'server', 'agent']),
    datastore: z.enum(['sqlite', 'etcd']).default('sqlite'),
    /**
     * Range of the private network. The node takes its address in it for itself (`node-ip`): etcd members cannot
     * change their address, so it must be this one from the first day.
     */
    network: ipv4Range,
    /** Address that the world reaches the node by; the address of the default route where it is left out. */
    externalAddress: ipv4.optional(),
    /** More names and addresses that the API server's certificate must carry. */
    tlsSans: z.array(z.string().min(1)).default([]),
    /** Address of a living server, `https://10.110.0.2:6443`; for roles that join. */
    join: url.optional(),
    tokens: z.strictObject({ server: word, agent: word }),
    k3s: z.strictObject({
      version: z.string().regex(/^v\d+\.\d+\.\d+\+k3s\d+$/, 'is not a k3s version such as v1.36.5+k3s1'),
      url,
      sha256,
    }),
    podCidr: ipv4Range.default('10.42.0.0/16'),
    serviceCidr: ipv4Range.default('10.43.0.0/16'),
    /** Packaged parts of k3s that are left out; servicelb stays. */
    disable: z.array(dnsLabel).default(['traefik', 'local-storage', 'metrics-server']),
    labels: z.record(z.string(), z.string()).default({}),
    /** Taints as kubectl writes them, `key=value:NoSchedule`. */
    taints: z.array(z.string()).default([]),
    /** More files to place on the node before k3s starts: absolute path, text, mode (0600 by default). */
    files: z
      .array(
        z.strictObject({
          path: z
            .string()
            .regex(/^\/(?!.*(^|\/)\.\.(\/|$))[^\0\n]+[^/\0\n]$/, 'is not an absolute path of a file'),
          content: z.string(),
          mode: z
            .string()
            .regex(/^0[0-7]{3}$/, 'is not a mode such as 0644')
            .default('0600'),
        }),
      )
      .default([]),
  })
  .refine((node) => (node.role === 'first-server') === (node.join === undefined), {
    path: ['join'],
    error: 'belongs to a node that joins, and to no first server',
  })

/** A node's description as given, defaults left out. */
export type NodeSpec = z.input<typeof nodeSpec>

/** A node's description with every default filled in. */
export type Node = z.output<typeof nodeSpec>

/** Fills in the defaults. Throws a Problem that names every fault with its field. */
export function parseNode(spec: NodeSpec): Node {
  return parsed(nodeSpec, spec, 'the description of the node')
}

/** Parses a value, or throws one Problem that names each fault with the path of its field. */
export function parsed<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  what: string,
): z.output<Schema> {
  const read = schema.safeParse(value)
  if (read.success) return read.data
  const faults = read.error.issues.map((issue) => {
    const fault =
      issue.code === 'unrecognized_keys' ? `does not know ${issue.keys.join(', ')}` : issue.message
    return `${issue.path.map(String).join('.') || 'it'} ${fault}`
  })
  throw new Problem(`${what} is not right: ${faults.join('; ')}`, { cure: 'correct the fields named' })
}

function isIpv4Range(text: string): boolean {
  const [address = '', bits = '', ...more] = text.split('/')
  return (
    more.length === 0 && isIPv4(address) && /^\d{1,2}$/.test(bits) && Number(bits) >= 8 && Number(bits) <= 30
  )
}
