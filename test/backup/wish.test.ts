import t from 'tap'
import { backupSpec } from '../../lib/backup/take/spec.ts'
import type { Cluster } from '../../lib/cluster/cluster.ts'

const cluster = { name: 'main', cloud: { clockOffset: () => 0 } } as unknown as Cluster

t.test('what the flags of a backup mean', async (t) => {
  t.match(backupSpec({}, cluster), { name: /^main-\d{8}t\d{6}$/, hours: undefined })
  t.same(backupSpec({ backup: 'a', volumes: 'snapshot', ttl: '30d' }, cluster), {
    name: 'a',
    volumes: 'snapshot',
    hours: 720,
  })
  t.equal(backupSpec({ ttl: '12h' }, cluster).hours, 12)
})

for (const [flags, message] of [
  [{ backup: 'Upper' }, '“Upper” is not a name for a backup'],
  [{ backup: '' }, '“” is not a name for a backup'],
  [{ backup: 'a b' }, '“a b” is not a name for a backup'],
  [{ backup: `a${'b'.repeat(63)}` }, / is not a name for a backup$/],
  [{ backup: '-a' }, '“-a” is not a name for a backup'],
  [{ volumes: 'kopia' }, '--volumes kopia is not known'],
  [{ ttl: '0d' }, '--ttl 0d is not a time to keep a backup'],
  [{ ttl: '-1d' }, '--ttl -1d is not a time to keep a backup'],
  [{ ttl: '30' }, '--ttl 30 is not a time to keep a backup'],
  [{ ttl: '1w' }, '--ttl 1w is not a time to keep a backup'],
] as const)
  t.test(`refused: ${JSON.stringify(flags)}`, async (t) => {
    t.throws(() => backupSpec(flags, cluster), { message, exitCode: 2, cure: /./ })
  })
