import { join } from 'node:path'
import t from 'tap'
import { openTestBox } from '../../flows/box.ts'
import { fleetOf, request } from '../../flows/fleet.ts'
import { ids, openShop } from '../../flows/shop.ts'

// A restore of a SIMULATED cluster is killed once Git has taken over. Then claims are deleted and made again, one by Git
// and one by a person: empty, under the names of those that had the bytes. What the message names is pasted.

t.setTimeout(600_000) // many flows, on a machine that may be busy
const box = await openTestBox(t)
const shop = await openShop(box)
const { droplets } = fleetOf(box)
await shop.write()
await shop.backUp('first')
const before = await shop.content()
const volumes = async () => ids((await box.cloud('GET', '/v2/volumes')).volumes)
const earlier = await volumes()

const end = new AbortController()
await Promise.all([
  box.run('restore.mts', ['--backup', 'first', '--replace'], { kill: end.signal }),
  box.once(request('PATCH', /\/applications\/root/), async () => end.abort()),
])

const claims = ['hello', 'files'] as const
const spaceOf = { hello: 'hello', files: 'shop' }
const manifest = await shop.kubectl('get pvc files -n shop -o json')
for (const name of claims) await shop.kubectl(`delete pvc ${name} -n ${spaceOf[name]} --wait=false`)
const { spec } = JSON.parse(manifest)
const { accessModes, storageClassName, resources } = spec
await shop.kubectl(
  'apply --server-side -f -',
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'files', namespace: 'shop' },
    spec: { accessModes, storageClassName, resources },
  }),
)
for (const name of claims)
  await shop.kubectl(
    `wait --for=jsonpath={.status.phase}=Bound pvc/${name} -n ${spaceOf[name]} --timeout 60s`,
  )

/** The command of a message, as the person pastes it. */
const pasted = (text: string) => {
  const [, script = '', words = ''] = /(\S*restore\.mts) (.* --unfinished.*)$/m.exec(text) ?? []
  return { script: join(box.dir, script), words: words.split(' ') }
}
let way: ReturnType<typeof pasted>

t.test('the verdict says so, everything stays, and a way out is named', async (t) => {
  for (const n of [1, 2]) {
    const ended = await box.run('restore.mts', ['--backup', 'first', '--json'])
    t.equal(ended.code, 1, `run ${n}`)
    const proof = JSON.parse(ended.out)
    t.equal(proof.verdict, 'NOT PROVEN')
    for (const name of claims)
      t.match(
        proof.missing.join('\n'),
        // A claim stays for as long as a pod uses it.
        new RegExp(
          `volume of claim ${spaceOf[name]}/${name}: its claim (was deleted and made again|is being deleted)`,
        ),
      )
    t.same(await droplets(), ['main-1 s-1vcpu-2gb off', 'main-2 s-1vcpu-2gb active'])
    for (const id of earlier) t.ok((await volumes()).includes(id), 'the volume with the bytes stays')
    for (const line of proof.stays) t.match(line, /: kept until this restore is proven$/)
    t.match(ended.err, /x 2 things of the backup did not come back:/)
    way = pasted(ended.err)
  }
})

t.test('pasted, it brings everything back and loses nothing', async (t) => {
  const old = await volumes()
  const ended = await box.run(way.script, [...way.words, '--json'])
  t.equal(ended.code, 0, ended.err)
  const proof = JSON.parse(ended.out)
  t.equal(proof.verdict, 'PROVEN')
  t.same(await shop.content(), before)
  t.same(await droplets(), ['main-3 s-1vcpu-2gb active'])
  const now = await volumes()
  t.same(
    old.filter((id) => !now.includes(id)).toSorted(),
    earlier.toSorted(),
    'only volumes whose content is proven on another are gone',
  )
  const kept = old.filter((id) => !earlier.includes(id))
  t.ok(kept.length >= 2, 'what was written into the new claims')
  for (const id of kept) t.match(proof.stays.join('\n'), `compute volume delete ${id} removes it`)
  const again = await box.run('restore.mts', ['--backup', 'first', '--json'])
  t.equal(again.code, 0, again.err)
  t.same(await droplets(), ['main-3 s-1vcpu-2gb active'], 'it is over')
})

t.test('where it was proven already, a claim that was deleted since comes back beside it', async (t) => {
  await shop.kubectl('delete deployment by-hand -n shop')
  await shop.kubectl('delete pvc files -n shop --wait=true')
  const ended = await box.run('restore.mts', ['--backup', 'first', '--json'])
  t.equal(ended.code, 1)
  const [, words = ''] = /restore\.mts (.* --as copy.*)$/m.exec(ended.err) ?? []
  const beside = await box.run('restore.mts', [...words.split(' '), '--json'])
  t.equal(beside.code, 0, beside.err)
  const { volumes } = JSON.parse(beside.out)
  t.match(
    volumes.find(({ claim }: { claim: string }) => claim === 'shop/files'),
    { moved: /^\d+$/, missing: undefined },
  )
  t.same(await droplets(), ['main-3 s-1vcpu-2gb active', 'copy-1 s-1vcpu-2gb active'])
})
