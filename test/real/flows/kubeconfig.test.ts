import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openTestBox } from '../../flows/box.ts'
import { openShop } from '../../flows/shop.ts'

// One SIMULATED cluster whose kubeconfig leaks.

t.setTimeout(600_000)
const box = await openTestBox(t)
const shop = await openShop(box)
await shop.backUp('kept')
const leaked = join(box.dir, 'leaked.yaml')
const own = box.env.KUBECONFIG ?? ''
const nodes = (file: string) =>
  box.run('scripts/sandbox.mts', ['kubectl', '--kubeconfig', file, 'get', 'nodes', '-o', 'name'])
const opens = async (file: string) => (await nodes(file)).code === 0

t.test('who has a copy of it is in, until one command ends that', async (t) => {
  copyFileSync(own, leaked)
  t.ok(await opens(leaked))
  const ended = await box.run('scripts/kubeconfig.mts', ['--revoke'])
  t.equal(ended.code, 0, ended.err)
  t.match(ended.err, /~ kubeconfigs +only those of regrow:operators-2 count now/)
  const refused = await nodes(leaked)
  t.not(refused.code, 0)
  t.match(refused.err, /Forbidden|cannot/)
  t.ok(await opens(own), 'the new one was written in its place')
})

t.test(
  'a bootstrap does not let it in again, nor a cluster that comes back from an earlier backup',
  async (t) => {
    const again = await box.run('bootstrap.mts', ['--yes'])
    t.equal(again.code, 0, again.err)
    t.notMatch(again.err, /^[+~] kubeconfigs/m)
    t.notOk(await opens(leaked))
    await shop.lose()
    const restored = await box.run('restore.mts', ['--backup', 'kept', '--yes', '--json'])
    t.equal(restored.code, 0, restored.err)
    t.match(JSON.parse(restored.out), { verdict: 'PROVEN' })
    t.notOk(await opens(leaked))
    t.ok(await opens(own))
  },
)

t.test('somebody who binds the earlier group again is found out by the next run', async (t) => {
  const group = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'regrow:operators-1' }
  const patch = JSON.stringify({ subjects: [group] })
  await shop.kubectl(`patch clusterrolebinding regrow-operators --type merge -p ${patch}`)
  t.ok(await opens(leaked))
  t.notOk(await opens(own))
  const again = await box.run('bootstrap.mts', ['--yes'])
  t.match(again.err, /~ kubeconfigs +only those of regrow:operators-2 count now/)
  t.notOk(await opens(leaked))
  t.ok(await opens(own))
})

t.test(
  'where the cluster does not answer nothing is revoked, and the file is written all the same',
  async (t) => {
    const { droplets } = (await box.cloud('GET', '/v2/droplets')) as { droplets: { id: number }[] }
    for (const { id } of droplets)
      await box.cloud('POST', `/v2/droplets/${id}/actions`, { type: 'power_off' })
    const revoked = await box.run('scripts/kubeconfig.mts', ['--revoke'])
    t.equal(revoked.code, 1)
    t.match(revoked.err, /the cluster does not answer: no kubeconfig was revoked\n +→ /)
    const written = await box.run('scripts/kubeconfig.mts', ['--output', 'other.yaml'])
    t.equal(written.code, 0, written.err)
    t.match(written.err, '! the cluster does not answer')
  },
)
