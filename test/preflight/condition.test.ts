import t from 'tap'
import type { Backup } from '../../lib/backup/backups.ts'
import type { Last } from '../../lib/backup/vouch/last.ts'
import type { Droplet, ReservedIp, Size, Snapshot, Volume } from '../../lib/clients/digitalocean-types.ts'
import type { Cluster } from '../../lib/cluster/cluster.ts'
import { longestGap } from '../../lib/cluster/cron.ts'
import { parseDescription } from '../../lib/cluster/description.ts'
import type { Inventory } from '../../lib/cluster/ours.ts'
import { attentionOf, exitCodes, type Findings, stateOf } from '../../lib/commands/status/condition.ts'
import { existing } from '../../lib/commands/status/existing.ts'
import { statusOutcome } from '../../lib/commands/status/status.ts'
import type { Restoration } from '../../lib/machines/first/restoration.ts'
import type { PlanItem } from '../../lib/machines/preflight/plan-text.ts'

// What status tells of a cluster, with fixed findings.

const hour = 3_600_000
const now = Date.parse('2026-11-29T12:00:00Z')
const read = parseDescription('nodes: [{name: main-9}, {name: main-10, role: agent}]\nnextNode: 12')
if ('faults' in read) throw new Error('it can be read')
const cluster = {
  name: 'main',
  place: { owner: 'bob', name: 'regrow-main' },
  login: 'bob',
  wanted: read.description,
  committed: read.description,
  repository: { default_branch: 'main' },
  tokensEnd: { digitalocean: undefined, csi: undefined, github: undefined },
  cloud: { clockOffset: () => 0 },
} as unknown as Cluster
const droplet = (n: number, status = 'active') =>
  ({
    id: String(n),
    name: `main-${n}`,
    status,
    size_slug: 's-1vcpu-2gb',
    region: { slug: 'fra1' },
  }) as Droplet
const backup = (name: string, hoursAgo: number, state: 'whole' | 'partial' = 'whole') =>
  ({
    metadata: { name },
    status: { phase: 'Completed', startTimestamp: new Date(now - hoursAgo * hour).toISOString() },
    wholeness: state === 'whole' ? { state } : { state, reasons: ['claim shop/db is on a hostPath'] },
  }) as Backup
const earlier: Restoration = {
  backup: 'b4',
  server: 'main-9',
  at: '2026-11-29T10:00:00Z',
  droplets: [{ id: '7', name: 'main-7' }],
  volumes: [{ id: 'v7', name: 'pvc-7', gib: 5 }],
}
const inventory = (droplets: Droplet[], more: Partial<Inventory> = {}) =>
  ({
    droplets,
    volumes: [],
    snapshots: [],
    reservedIps: [{ ip: '192.0.2.1', droplet: { id: '9' } } as ReservedIp],
    loadBalancers: [],
    ...more,
  }) as unknown as Inventory
const both = [droplet(9), droplet(10)]
const lastOf = (backups: readonly Backup[]): Last | undefined => {
  const whole = backups.find(({ wholeness }) => wholeness.state === 'whole')
  return whole && { ...whole, vouching: { state: 'not vouched for', why: 'no run saw it' } }
}
const found = (more: Partial<Findings> = {}): Findings => ({
  cluster,
  own: inventory(both),
  health: {
    nodes: [{ name: 'main-9', ready: true }],
    applications: [{ name: 'root', healthy: true, state: 'Synced, Healthy' }],
  },
  ...{ backups: [backup('nightly', 9)], lastBackup: lastOf(more.backups ?? [backup('nightly', 9)]) },
  restorations: [],
  unfinished: undefined,
  lock: undefined,
  threats: [],
  changed: [],
  ...more,
})
const judged = (more: Partial<Findings>) => {
  const all = found(more)
  const attention = attentionOf(all)
  return { attention, state: stateOf(all, attention, now) }
}

t.test('a cluster that is well', async (t) => {
  t.same(judged({}), { attention: [], state: 'well' })
  t.same(exitCodes, { well: 0, attention: 3, unprotected: 4 })
})

t.test('what wants attention, each with its own word', async (t) => {
  const unfinished = { begun: earlier, own: { droplets: [droplet(7, 'off'), droplet(9)], volumes: [] } }
  const repository = { default_branch: 'trunk' } as Cluster['repository']
  const soon = new Date(Date.now() + 5 * 24 * hour)
  for (const [name, more, said] of [
    ['a machine is missing', { own: inventory([droplet(9)]) }, [/^droplet main-10 is missing$/]],
    [
      'a machine is not described',
      { own: inventory([...both, droplet(8)]) },
      [
        /^droplet main-8 \(8\) is there, and not described: \S+scale\.mts --name main finishes what was begun$/,
      ],
    ],
    [
      'a machine of an earlier cluster stayed',
      { own: inventory([...both, droplet(7, 'off')]), restorations: [{ ...earlier, finished: 'then' }] },
      [
        /^droplet main-7 of the earlier cluster is off, and billed: \S+scale\.mts --name main --remove main-7 removes it$/,
      ],
    ],
    [
      'twins',
      { own: inventory([...both, droplet(9)]) },
      [/^there are 2 droplets main-9, and only one is wanted$/],
    ],
    [
      'a restore is not finished: its machines are its own matter',
      { own: inventory([droplet(7, 'off'), droplet(9)]), restorations: [earlier], unfinished },
      [
        /^the restore of backup b4 onto main-9 is not finished; main-7 may hold the only copy .*: \S+restore\.mts --name main --backup b4 finishes it$/,
      ],
    ],
    [
      'an Application is ill',
      { health: { applications: [{ name: 'shop', healthy: false, state: 'Synced, Degraded' }] } },
      [/^application shop: Synced, Degraded$/],
    ],
    ['a node is', { health: { nodes: [{ name: 'main-9', ready: false }] } }, [/^node main-9 is not Ready$/]],
    ['the API does not answer', { health: { api: ['does not answer'] } }, [/^does not answer$/]],
    ['a pod waits', { health: { troubles: ['pod shop/web: waits'] } }, [/^pod shop\/web: waits$/]],
    ['something was altered', { changed: ['firewall f  its rules differ'] }, [/^firewall f/]],
    [
      'a dead run has the lock',
      { lock: { holder: 'ann on box', isDead: true } },
      [/^the lock is held by ann on box, which is not running any more/],
    ],
    [
      'the next backup would lack something',
      { threats: ['claim shop/db lies on a disk'] },
      [/^claim shop\/db/],
    ],
    ['a living one has it', { lock: { holder: 'ann on box', isDead: false } }, []],
    [
      'a token ends',
      { cluster: { ...cluster, tokensEnd: { ...cluster.tokensEnd, github: soon } } },
      [/^your GitHub token ends on /],
    ],
    [
      'the branch moved',
      { cluster: { ...cluster, repository } },
      [/^trunk is the default branch of bob\/regrow-main/],
    ],
    [
      'the newest backup is not whole',
      { backups: [backup('later', 1, 'partial'), backup('nightly', 9)] },
      [/^the newest backup, later, is partial: claim shop\/db is on a hostPath$/],
    ],
  ] satisfies [string, Partial<Findings>, RegExp[]][]) {
    const { attention, state } = judged(more)
    t.equal(attention.length, said.length, name)
    t.match(attention, said, name)
    t.equal(state, said.length > 0 ? 'attention' : 'well', name)
  }
})

t.test('it is unprotected when no whole backup is younger than its schedule allows', async (t) => {
  const at = (hours: number, ...more: Backup[]) =>
    judged({ backups: [...more, backup('nightly', hours)] }).state
  t.equal(at(49), 'well', 'one was late')
  t.equal(at(51), 'unprotected')
  t.equal(at(51, backup('later', 1, 'partial')), 'unprotected', 'a partial one protects nobody')
  t.equal(judged({ backups: [] }).state, 'unprotected')
  const forged = { backups: [backup('forged', 1)], lastBackup: undefined }
  t.equal(judged(forged).state, 'unprotected', 'one that does not count protects nobody')
  const none = { cluster: { ...cluster, committed: undefined }, own: inventory([]), backups: [] }
  t.match(judged(none), { state: 'attention', attention: [/^there is no cluster “main”/] })
})

t.test('the longest pause of a schedule', async (t) => {
  for (const [schedule, hours] of [
    ['17 3 * * *', 24],
    ['0 */6 * * *', 6],
    ['0 3,5 * * *', 22],
    ['*/15 * * * *', 0.25],
    ['0 3 * * 1', 7 * 24],
    ['0 3 1 * *', 31 * 24],
    ['0 3 1 * 1', 7 * 24],
    ['0 3 29 2 *', 1461 * 24],
    ['0 3 31 2 *', 1461 * 24],
  ] satisfies [string, number][])
    t.equal(longestGap(schedule) / hour, hours, schedule)
})

t.test('everything that is there is named, with what it is and its price', async (t) => {
  const planned = [
    { mark: '=', kind: 'bucket', name: 'b', detail: 'Spaces', perMonth: 5 },
    { mark: '+', kind: 'bucket', name: 'c', detail: '', perMonth: 0 },
    { mark: '=', kind: 'droplet', name: 'main-9', detail: '', perMonth: 12 },
  ] satisfies PlanItem[]
  const volumes = [
    { id: 'v1', name: 'pvc-1', size_gigabytes: 2 },
    { id: 'v2', name: 'pvc-2', size_gigabytes: 1 },
    { id: 'v7', name: 'pvc-7', size_gigabytes: 5 },
  ] as Volume[]
  const own = inventory([droplet(10), droplet(9), droplet(7, 'off'), droplet(8)], {
    volumes,
    snapshots: [{ id: 's', name: 'snap', size_gigabytes: 10 } as Snapshot],
    reservedIps: [{ ip: '192.0.2.1', droplet: { id: '9' } }, { ip: '192.0.2.2' }] as ReservedIp[],
  })
  const things = existing(cluster, own, planned, {
    sizes: [{ slug: 's-1vcpu-2gb', price_monthly: 12 }] as Size[],
    claims: new Map([['v1', 'shop/db']]),
    restorations: [earlier],
    unfinished: undefined,
  })
  t.same(
    things.map(({ kind, name, what, perMonth }) => `${kind} ${name}: ${what} ${perMonth.toFixed(2)}`),
    [
      'bucket b: Spaces 5.00',
      'reserved IP 192.0.2.1: leads to main-9 0.00',
      'reserved IP 192.0.2.2: leads nowhere 5.00',
      'droplet main-7: s-1vcpu-2gb, fra1, off, of the earlier cluster 12.00',
      'droplet main-8: s-1vcpu-2gb, fra1, not described 12.00',
      'droplet main-9: s-1vcpu-2gb, fra1 12.00',
      'droplet main-10: s-1vcpu-2gb, fra1 12.00',
      'volume pvc-1: 2 GiB, claim shop/db 0.20',
      'volume pvc-2: 1 GiB, no claim has it 0.10',
      'volume pvc-7: 5 GiB, of the earlier cluster 0.50',
      'snapshot snap: 10 GiB 0.60',
    ],
  )
  const told = {
    ...found({ health: { api: ['none'] } }),
    state: 'attention' as const,
    attention: ['none'],
    things,
    missing: [],
    upstream: { names: ['k3s'], lacking: [], bytes: 3 * 1024 ** 2 },
  }
  const outcome = statusOutcome(told)
  t.match(JSON.parse(JSON.stringify(outcome)), {
    perMonth: 59.4,
    lastBackup: { name: 'nightly', at: '2026-11-29T03:00:00.000Z', vouching: 'not vouched for' },
  })
  t.match(outcome.shown(), {
    state: 'attention',
    attention: [],
    api: ['none'],
    perMonth: '$59.40',
    upstream: '1 files kept in the kit’s bucket, 3.0 MiB',
  })
  t.equal(outcome.exitCode?.(), 3)
})
