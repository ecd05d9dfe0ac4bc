import t from 'tap'
import { GitHubRefusal } from '../../lib/clients/github-refusal.ts'
import type { Cluster } from '../../lib/cluster/cluster.ts'
import { writtenIfTaken } from '../../lib/gitops/read-only.ts'

type Going = Pick<Cluster, 'unwritten' | 'goesOn'>
const refused = (status: number) => async () => {
  throw new GitHubRefusal('move ref heads/main', status, 'Repository rule violations found')
}

t.test('a refusal ends a run, unless it goes on without main or without GitHub', async (t) => {
  await t.rejects(writtenIfTaken({}, 'manifests', refused(422)), { message: /heads\/main: 422/ })
  for (const status of [403, 409, 422]) {
    const cluster: Going = { goesOn: 'without main' }
    t.equal(await writtenIfTaken(cluster, 'manifests', refused(status)), false, String(status))
    t.same([...(cluster.unwritten ?? [])], ['manifests'])
    await t.rejects(writtenIfTaken(cluster, 'deploy key', refused(status), 'elsewhere'), {
      message: /422|409|403/,
    })
    t.equal(await writtenIfTaken(cluster, 'manifests', async () => {}), true)
    t.same([...(cluster.unwritten ?? [])], [], 'written after all')
  }
  const blind: Going = { goesOn: 'without GitHub' }
  t.equal(await writtenIfTaken(blind, 'deploy key', refused(403), 'elsewhere'), false)
  const fault = async () => {
    throw new Error('mine')
  }
  await t.rejects(writtenIfTaken(blind, 'manifests', fault), { message: 'mine' })
})
