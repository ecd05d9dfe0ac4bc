import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { everything } from '../../../lib/cluster/backup-rules.ts'
import { untar } from '../../../sandbox/cluster/tar.ts'
import { bucketOf } from '../../../sandbox/cluster/velero/bucket.ts'
import { apply } from '../../sandbox/cluster-ground.ts'
import { cases, type Made, ours } from '../../sandbox/unbound.ts'
import { location, withVelero } from '../../sandbox/velero-ground.ts'
import { lacksVelero, startVelero } from './velero.ts'

// REAL: the velero command line and server with its S3 plugin, etcd, kube-apiserver. SIMULATED: Spaces. The words of a
// backup by hand and the policy of the repository, as they are. No controller gives a claim a volume or a phase.

t.test(
  'claims without a volume, by the real Velero',
  { skip: lacksVelero(), timeout: 600_000 },
  async (t) => {
    const paper = await withVelero(t)
    apply(paper.one, location())
    await paper.reached('BackupStorageLocation', 'default', 'Available')
    const bucket = await bucketOf(
      paper.one,
      paper.one.store.get('BackupStorageLocation', 'velero', 'default'),
    )
    const { kube, velero, tail } = await startVelero(t, paper.on.world, 'ReadWrite')
    const file = join(t.testdir({}), 'things')
    const make = async (text: string) => {
      writeFileSync(file, text)
      await kube('apply', '-f', file)
    }
    await make(ours)
    await kube('create', 'namespace', 'shop')
    await kube('create', 'serviceaccount', 'default', '-n', 'shop')
    const available = '--for=jsonpath={.status.phase}=Available'
    await kube('wait', available, 'bsl/default', '-n', 'velero', '--timeout=120s').catch(() => t.fail(tail()))
    const wordsOf = ({ kind, metadata: { name, namespace } }: Made) => [
      ...[kind, name],
      ...(namespace ? ['-n', namespace] : []),
    ]
    for (const [n, { name, things, claimPhase: phase, policy, ...wanted }] of cases.entries())
      await t.test(name, async (t) => {
        for (const thing of things) {
          await make(JSON.stringify(thing))
          if (phase && thing.kind === 'PersistentVolumeClaim') {
            const patch = [
              '--subresource=status',
              '--type=merge',
              '-p',
              JSON.stringify({ status: { phase } }),
            ]
            await kube('patch', ...wordsOf(thing), ...patch)
          }
        }
        const made = `case-${n}`
        const [cluster = '', exclude = '', noise = ''] = everything
        const named = policy ? ['--resource-policies-configmap', policy] : []
        const words = [cluster, exclude, noise, ...named, '--snapshot-move-data=true', '--wait']
        await velero('backup', 'create', made, ...words)
        const { status } = JSON.parse(await kube('get', 'backup', made, '-n', 'velero', '-o', 'json')) as {
          status: { phase: string }
        }
        t.equal(status.phase, wanted.phase)
        if (wanted.phase !== 'FailedValidation') {
          const files = await untar(await bucket.get(`backups/${made}/${made}.tar.gz`))
          for (const one of wanted.holds ?? []) t.ok(files.has(`resources/${one}.json`), one)
          for (const one of wanted.lacks ?? []) t.notOk(files.has(`resources/${one}.json`), one)
        }
        for (const thing of things.toReversed()) {
          await kube('delete', ...wordsOf(thing), '--wait=false', '--force', '--grace-period=0')
          const unheld = ['--type=merge', '-p', '{"metadata":{"finalizers":null}}']
          await kube('patch', ...wordsOf(thing), ...unheld).catch(() => '') // most are gone by then
        }
      })
  },
)
