import { z } from 'zod'

// What each command prints with --json. docs/json.md is made from it, and every test that reads such an answer holds it
// against this. Money is in dollars, sizes in bytes, times in RFC 3339 and UTC, durations in seconds, paths absolute.

const time = z.iso.datetime({ offset: true })
const dollars = z.number().nonnegative()
const bytes = z.number().int().nonnegative()
const lines = z.array(z.string())
const vouching = z.enum(['vouched for', 'not vouched for', 'altered'])
const wholeness = z.enum(['whole', 'partial', 'failed'])

const lastBackup = z
  .strictObject({ name: z.string(), at: time.optional(), vouching })
  .nullable()
  .describe('the newest whole backup that counts, when it began, and whether somebody vouches for it')
const kubeconfig = z.string().describe('path of the kubeconfig')
const address = z.string().describe('the reserved IP')

const backup = z.strictObject({
  name: z.string(),
  state: z.string().describe('Velero’s phase; `Completed` alone does not make it whole'),
  whole: z.boolean(),
  wholeness,
  reasons: lines.describe('why it is not whole'),
  vouching,
  vouchingReason: z.string().optional().describe('why nobody vouches for it, or what was altered'),
  started: z.string().optional(),
  expires: z.string().optional(),
  formatVersion: z.string().optional().describe('of the backup’s layout'),
  commit: z.string().optional().describe('of the GitOps repository beside which it was made'),
  volumes: z.array(
    z.strictObject({ claim: z.string(), kept: z.enum(['s3', 'snapshot']), bytes: bytes.optional() }),
  ),
  bytes: bytes.describe('in the bucket'),
  copying: z
    .strictObject({ least: z.number(), most: z.number() })
    .optional()
    .describe('seconds that its volumes take from the bucket'),
  perMonth: dollars.describe('for its snapshots'),
})

const volume = z.looseObject({
  claim: z.string().describe('`namespace/name`'),
  kept: z.enum(['s3', 'snapshot']),
  bytes: bytes.optional().describe('in the backup'),
  moved: bytes.optional().describe('that came back'),
  missing: z.string().optional().describe('why it does not count as back'),
})

const proof = z.strictObject({
  verdict: z.enum(['PROVEN', 'NOT PROVEN']),
  headline: z.string(),
  backup: z.strictObject({
    name: z.string(),
    at: z.string().optional(),
    commit: z.string().optional(),
    vouching: z.string(),
  }),
  server: z.string().describe('the machine onto which it came back'),
  volumes: z.array(volume),
  comparedAt: z.string().describe('when the content was compared with the backup'),
  objects: z
    .array(
      z.strictObject({
        resource: z.string(),
        id: z.string(),
        outcome: z.enum(['back', 'made anew', 'from Git', 'not restored', 'missing']),
        why: z.string().optional(),
      }),
    )
    .describe('every object of the backup, once'),
  notRestored: lines.describe('left out, each with its reason'),
  missing: lines.describe('what did not come back; empty when everything did'),
  changed: lines.describe('what is there and differs from the backup'),
  notReady: lines.describe('workloads that were ready in the backup and are not now'),
  applications: z.record(z.string(), z.string()).describe('state by name, in Argo CD’s words'),
  address: z.strictObject({ now: z.string(), before: z.string().optional() }),
  dns: lines.describe('records to change'),
  extended: z
    .array(z.strictObject({ backup: z.string(), from: z.string(), to: z.string() }))
    .describe('backups that are kept longer'),
  stays: lines.describe('what of the earlier cluster stays, and costs'),
  unwritten: lines.describe('what GitHub did not take; the same command writes it later'),
  timeline: z.array(z.strictObject({ at: time, step: z.string() })),
  kubeconfig,
  lastBackup,
})

const tool = z.looseObject({ name: z.string(), version: z.string() })

/** What each command prints with `--json`, by its name. */
export const results: Readonly<Record<string, z.ZodType>> = {
  bootstrap: z.strictObject({
    address,
    kubeconfig,
    repository: z.url(),
    perMonth: dollars,
    lastBackup,
  }),
  restore: proof,
  scale: z.strictObject({
    nodes: z.array(z.strictObject({ name: z.string(), role: z.enum(['server', 'agent']), size: z.string() })),
    perMonth: dollars.describe('for the machines'),
    lastBackup,
  }),
  backup: backup.extend({ lastBackup }),
  backups: z.union([
    z.array(backup),
    z
      .array(
        z.strictObject({
          name: z.string(),
          started: z.string().optional(),
          deleted: z.string().optional().describe('when the first of it was deleted or overwritten'),
          until: z.string().optional().describe('until when it can be brought back'),
          wholeness,
          reasons: lines,
          objects: z.number().int().describe('that would be brought back'),
        }),
      )
      .describe('with `--deleted`'),
  ]),
  rehearse: z.strictObject({
    proof: z
      .looseObject({ verdict: z.string(), headline: z.string() })
      .optional()
      .describe('as a restore prints it'),
    seconds: z.number().optional().describe('that the restore took'),
    cost: dollars.optional(),
    changed: lines.describe('keys of the original’s backups that changed'),
    passedOver: lines.describe('newer backups that were not taken'),
    wrong: lines.describe('why it failed; empty when all is well'),
    lastBackup,
  }),
  status: z.strictObject({
    state: z.enum(['well', 'attention', 'unprotected']),
    attention: lines,
    cluster: z.string(),
    repository: z.string().describe('`owner/name`'),
    described: z.boolean(),
    exists: z.array(
      z.strictObject({ kind: z.string(), name: z.string(), what: z.string(), perMonth: dollars }),
    ),
    changed: lines.describe('what bootstrap would mend'),
    missing: lines,
    mendedBy: z.string().optional().describe('the command'),
    nodes: z.array(z.strictObject({ name: z.string(), ready: z.boolean() })).optional(),
    applications: z
      .array(z.strictObject({ name: z.string(), healthy: z.boolean(), state: z.string() }))
      .optional(),
    troubles: lines.optional().describe('what keeps pods and claims waiting'),
    api: lines.optional().describe('why the Kubernetes API does not answer'),
    tokenInCluster: z.string().optional(),
    unfinishedRestore: z
      .strictObject({
        backup: z.string(),
        server: z.string(),
        since: time,
        keeps: lines,
        finishedBy: z.string().describe('the command'),
      })
      .optional(),
    lockedBy: z.string().optional(),
    tokensEnd: z.strictObject({
      digitalocean: time.optional(),
      csi: time.optional(),
      github: time.optional(),
    }),
    upstream: z
      .strictObject({ kept: lines, lacking: lines, bytes })
      .optional()
      .describe('copies for the bad day'),
    perMonth: dollars,
    lastBackup,
  }),
  kubeconfig: z.union([
    z.strictObject({ address, kubeconfig, lastBackup }),
    z.strictObject({ user: z.string(), password: z.string() }).describe('with `--argocd-password`'),
    z
      .strictObject({ user: z.string(), address, firewall: z.string().optional(), privateKey: z.string() })
      .describe('with `--ssh-key`'),
  ]),
  destroy: z.strictObject({
    removed: lines,
    kept: lines,
    left: lines.describe('what is still there; empty when all is gone'),
    lastBackup,
  }),
  tools: z.array(tool),
}
