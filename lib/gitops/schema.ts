import { z } from 'zod'
import { pinned, versionsOf } from '../cluster/versions.ts'

/** What is shipped, with what `versions` in cluster.yaml overrides. */
const versions = z
  .record(z.string(), pinned)
  .default({})
  .transform((overrides) => versionsOf(overrides))

/** Text that may stand in a Markdown table and in a comment: one line, without anything that Markdown acts on. */
const plain = z.string().regex(/^[^\r\n|`<>]+$/, 'may be one line only, without |, `, < and >')

/** Everything that the GitOps repository says about one cluster. */
export const repositoryValues = z.strictObject({
  cluster: z.string().regex(/^[a-z][a-z0-9-]{0,19}$/, 'is not a name of a cluster'),
  /** Owner and name of the GitOps repository at GitHub. */
  owner: plain,
  repository: plain,
  /** How Argo CD reaches it: `git@github.com:<owner>/<name>.git`. */
  sshUrl: plain,
  /** DigitalOcean region. */
  region: plain,
  /** The tag that every volume and snapshot of the cluster gets. */
  tag: plain,
  /** Reserved address, where it is known. */
  address: z.ipv4().optional(),
  domain: plain.optional(),
  acmeEmail: plain.optional(),
  bucket: z.strictObject({
    name: plain,
    region: plain,
    /** Velero's copier takes no path in it. */
    endpoint: z.url({ protocol: /^https?$/ }).regex(/^https?:\/\/[^/?#]+\/?$/, 'must have no path'),
  }),
  backups: z.strictObject({
    schedule: z.string().regex(/^(\S+ ){4}\S+$/, 'is not a cron schedule of five fields'),
    /** Hours, as Go writes a duration: `720h` or `720h0m0s`. */
    ttl: z.string().regex(/^[1-9]\d*h(0m0s)?$/, 'is not a number of hours such as 720h'),
    volumes: z.enum(['s3', 'snapshot']),
  }),
  versions,
  podCidr: z.cidrv4(),
})

/** Everything that the GitOps repository says about one cluster. */
export type RepositoryValues = z.input<typeof repositoryValues>
