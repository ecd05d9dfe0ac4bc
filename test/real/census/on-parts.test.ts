import { join } from 'node:path'
import t from 'tap'
import { playCensus } from '../../census/census.ts'
import type { Ground } from '../../census/play.ts'
import { lackingForCluster, openPartsBox } from '../parts/ground.ts'

// REAL: etcd, Kubernetes, Argo CD's controller and repository server, Velero with its node agent, plugin and data mover,
// sealed-secrets, kubectl, helm, velero, doctl. SIMULATED and stood in for: what test/real/cluster/on-parts.test.ts says.
// The same as census.test.ts: a cluster with everything in it goes through backup, loss and restore, and a
// judge that shares no code with the proof holds the two dumps of the real API against it.

t.test('the census on real parts', { skip: lackingForCluster(), timeout: 1_700_000 }, async (t) => {
  const box = await openPartsBox()
  t.teardown(() => box.close())
  const bootstrap = await box.run('bootstrap.mts')
  if (!t.equal(bootstrap.code, 0, bootstrap.err)) return
  const ground: Ground = {
    home: join(box.dir, '.sandbox'),
    env: box.env,
    run: ([command = '', ...words]) => box.run(command, words),
    breaks: () => {},
    pace: { quiet: 6000, patience: 120_000 },
  }
  await playCensus(t, ground, { unknown: [], devices: false })
})
