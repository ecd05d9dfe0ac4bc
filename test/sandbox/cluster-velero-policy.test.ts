import t from 'tap'
import { everything } from '../../lib/cluster/backup-rules.ts'
import { untar } from '../../sandbox/cluster/tar.ts'
import { bucketOf } from '../../sandbox/cluster/velero/bucket.ts'
import { apply, eventually } from './cluster-ground.ts'
import { cases, ours } from './unbound.ts'
import { backup, location, withVelero } from './velero-ground.ts'

// Paper is as strict with claims that have no volume as the real Velero is, which plays the same table.

t.test('claims without a volume', async (t) => {
  const { one, phase, reached } = await withVelero(t)
  const { store } = one
  apply(one, location())
  await reached('BackupStorageLocation', 'default', 'Available')
  apply(one, ours)
  apply(one, JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } }))
  const bucket = await bucketOf(one, store.get('BackupStorageLocation', 'velero', 'default'))
  for (const [n, { name, things, claimPhase, policy, ...wanted }] of cases.entries())
    await t.test(name, async (t) => {
      for (const thing of things) {
        apply(one, JSON.stringify(thing))
        const { kind, metadata } = thing
        if (claimPhase && kind === 'PersistentVolumeClaim')
          store.setStatus(kind, metadata.namespace, metadata.name, { phase: claimPhase })
      }
      const made = `case-${n}`
      const spec = {
        includeClusterResources: true,
        excludedResources: everything[2]?.split(','),
        snapshotMoveData: true,
        ...(policy ? { resourcePolicy: { kind: 'configmap', name: policy } } : {}),
      }
      apply(one, backup(made, spec))
      await eventually(one, () => /Completed|Failed/.test(phase('Backup', made)), 10_000)
      t.equal(phase('Backup', made), wanted.phase)
      if (wanted.phase !== 'FailedValidation') {
        const files = await untar(await bucket.get(`backups/${made}/${made}.tar.gz`))
        for (const one of wanted.holds ?? []) t.ok(files.has(`resources/${one}.json`), one)
        for (const one of wanted.lacks ?? []) t.notOk(files.has(`resources/${one}.json`), one)
      }
      for (const { kind, metadata } of things.toReversed()) {
        const found = store.find(kind, metadata.namespace, metadata.name)
        if (found) store.update({ ...found, metadata: { ...found.metadata, finalizers: [] } })
        store.remove(kind, metadata.namespace, metadata.name)
      }
    })
})
