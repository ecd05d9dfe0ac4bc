import t from 'tap'
import type { Cluster } from '../../lib/cluster/cluster.ts'
import { ofAnotherAccount } from '../../lib/store/other-account.ts'

// Whose bucket the manifest in Git names, of constructed manifests.

const told = async (text: string) => {
  const cluster = {
    ...{ name: 'main', account: { uuid: 'u' }, committed: { store: {} } },
    place: { owner: 'bob', name: 'regrow-main' },
    github: { file: async () => text },
  }
  return (await ofAnotherAccount(cluster as unknown as Cluster))?.message
}

t.test('a bucket of another account is told, wherever its line stands', async (t) => {
  const bucket = 'regrow-main-0123456789-velero'
  t.match(await told(`spec:\n  objectStorage:\n    bucket: "${bucket}"\n`), `keeps its backups in ${bucket}`)
  t.equal(await told('spec:\n  objectStorage:\n    bucket: mine\n'), undefined)
})

t.test('a manifest of blank lines is read as fast as any', async (t) => {
  const started = performance.now()
  t.equal(await told('\n'.repeat(200_000)), undefined)
  t.ok(performance.now() - started < 10_000)
})
