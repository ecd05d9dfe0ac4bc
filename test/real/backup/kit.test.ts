import t from 'tap'
import type { Cluster } from '../../../lib/cluster/cluster.ts'
import type { Buckets } from '../../../lib/store/buckets.ts'
import { ensureKit } from '../../../lib/store/kit.ts'

t.setTimeout(120_000) // on a machine that may be busy

/** A bucket that holds what is put into it. */
function emptyBuckets() {
  const held = new Map<string, Uint8Array>()
  const kit = {
    get: async (key: string) => held.get(key),
    put: async (key: string, text: string) => void held.set(key, Buffer.from(text)),
  }
  const velero = { list: async () => [] }
  return { kit, velero, places: { kit: 'regrow-main-kit' } } as unknown as Buckets
}
/** A cluster without machines. */
const cluster = (name: string) => {
  const cloud = { clockOffset: () => 0, dropletsTagged: async () => [] }
  return { name, tag: `regrow:${name}`, cloud } as unknown as Cluster
}

t.test('a cluster beside the original shares what opens the backups with it, and nothing else', async (t) => {
  const original = await ensureKit(emptyBuckets(), cluster('main'))
  const copy = await ensureKit(emptyBuckets(), cluster('copy'), original)
  t.equal(copy.kopiaPassword, original.kopiaPassword)
  t.same(copy.sealing, original.sealing)
  t.not(copy.serverToken, original.serverToken)
  t.not(copy.agentToken, original.agentToken)
  t.notSame(copy.ssh, original.ssh)
  t.notSame(copy.deploy, original.deploy)
  t.notSame(copy.argocd, original.argocd)
  const [ours, theirs] = [copy.authorities, original.authorities]
  for (const [name, one] of Object.entries(ours))
    t.notSame(one, theirs[name as keyof typeof theirs], `authority ${name} is its own`)
})

t.test('a kit is made once', async (t) => {
  const buckets = emptyBuckets()
  t.same(await ensureKit(buckets, cluster('main')), await ensureKit(buckets, cluster('main')))
})
