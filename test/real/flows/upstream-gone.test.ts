import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { z } from 'zod'
import { type Ended, openTestBox } from '../../flows/box.ts'
import { kitFolder } from '../../flows/notes.ts'
import { openShop } from '../../flows/shop.ts'

// One SIMULATED cluster whose upstream withdraws everything: k3s, the charts and their indexes, the manifests.

t.setTimeout(600_000)
const box = await openTestBox(t)
const shop = await openShop(box)
await shop.write()
await shop.backUp('kept')
const written = await shop.content()
const kept = join(kitFolder(box), 'upstream')

/** The objects that the kit's bucket keeps of upstream, by their files. */
const copies = () => {
  const all = readdirSync(kept, { recursive: true, encoding: 'utf8' })
  return all.filter((one) => one.endsWith('@')).map((one) => join(kept, one))
}
const head = async () =>
  z
    .object({ object: z.object({ sha: z.string() }) })
    .parse(await box.github('GET', '/repos/bob/regrow-main/git/ref/heads/main')).object.sha
const served = ({ requests }: Ended) =>
  requests.filter((one) => one.service === 'upstream' && (one.status ?? 0) < 400)

t.test('a bootstrap keeps all of it, and status says so', async (t) => {
  t.equal(copies().length, 8)
  const { out } = await box.run('scripts/status.mts', ['--json'])
  t.match(JSON.parse(out), { upstream: { lacking: [], kept: { length: 8 } } })
})

t.test('a copy that was altered is refused by name, before anything is bought', async (t) => {
  box.behave({ gone: ['.'] })
  await shop.lose()
  const file = copies().find((one) => one.includes('traefik')) ?? ''
  const whole = readFileSync(file)
  writeFileSync(file, Buffer.from(whole).fill(0, 0, 1))
  const ended = await box.run('restore.mts', ['--backup', 'kept', '--yes'])
  t.equal(ended.code, 1, ended.err)
  t.match(
    ended.err,
    /1 problem found\n.*the copy of chart traefik 41\.6\.0 in \S+-kit was altered: upstream\/traefik/,
  )
  writeFileSync(file, whole)
})

t.test('with nothing but Git and the buckets everything comes back, proven', async (t) => {
  const planned = await box.run('restore.mts', ['--backup', 'kept', '--dry-run'])
  t.match(planned.out, '! k3s v1.36.5+k3s1: from your kit, upstream answers 404')
  t.match(planned.out, '! chart velero 12.2.1: from your kit, upstream answers 404; its copy goes into Git')
  t.match(planned.out, "git commit -m 'Keep here what upstream has no longer:")
  const ended = await box.run('restore.mts', ['--backup', 'kept', '--yes', '--json'])
  t.equal(ended.code, 0, ended.err)
  t.match(JSON.parse(ended.out), { verdict: 'PROVEN' })
  t.same(served(ended), [])
  t.same(await shop.content(), written, 'every byte')
})

t.test('what comes after it changes nothing more in Git, and a machine joins as well', async (t) => {
  const before = await head()
  const again = await box.run('bootstrap.mts', ['--yes'])
  t.equal(again.code, 0, again.err)
  t.notMatch(again.err, /edited by you|^[+~] (manifests|copies)/m)
  t.equal(await head(), before)
  const once = await box.run('restore.mts', ['--backup', 'latest', '--replace', '--dry-run'])
  t.equal(once.code, 0, once.err)
  t.match(once.out, '! chart argo-cd 10.10.0: from your kit, upstream answers 404\n')
  t.notMatch(once.out, /chart velero|git commit -m '(Keep|Seed)/, 'it lies in Git already')
  const scaled = await box.run('scale.mts', ['--add', '1', '--yes'])
  t.equal(scaled.code, 0, scaled.err)
  t.match(scaled.err, '! k3s v1.36.5+k3s1: from your kit, upstream answers 404')
  t.same([...served(again), ...served(once), ...served(scaled)], [])
})

t.test('a copy beside it gets what it needs from the original’s kit', async (t) => {
  const ended = await box.run('restore.mts', ['--backup', 'latest', '--as', 'copy', '--yes', '--json'])
  t.equal(ended.code, 0, ended.err)
  t.match(JSON.parse(ended.out), { verdict: 'PROVEN' })
  t.same(served(ended), [])
})

t.test('a kit of before copies were kept: each file that is missing is named', async (t) => {
  await shop.lose()
  rmSync(kept, { recursive: true })
  const ended = await box.run('restore.mts', ['--backup', 'latest', '--yes'])
  t.equal(ended.code, 1)
  t.match(
    ended.err,
    /2 problems found[\s\S]*sha256sum-amd64\.txt could not be fetched: status 404[\s\S]*argo-helm\/index\.yaml could not be fetched: status 404\n {4}→ Did the chart move\?/,
  )
})
