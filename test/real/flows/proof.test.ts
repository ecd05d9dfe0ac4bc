import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { z } from 'zod'
import { confirmed, openTestBox } from '../../flows/box.ts'
import { openShop } from '../../flows/shop.ts'

// What the proof of a restore tells, clause by clause, in a SIMULATED world: a cluster with a domain whose address was
// lost, and whose backups had expired when somebody came back.

t.setTimeout(600_000) // on a machine that may be busy
const box = await openTestBox(t)
const shop = await openShop(box, ['--domain', 'example.org'])
await shop.write()
const taken = await box.run('scripts/backup.mts', ['--backup', 'first', '--json'])
const { commit } = z.object({ commit: z.string() }).parse(JSON.parse(taken.out))
const addresses = async () =>
  z
    .array(z.object({ ip: z.string() }))
    .parse((await box.cloud('GET', '/v2/reserved_ips')).reserved_ips)
    .map((one) => one.ip)
const [was = ''] = await addresses()
await box.run('scripts/destroy.mts', confirmed())
// The address is another's by now.
await box.cloud('POST', '/v2/reserved_ips', { region: 'fra1' })
const spaces = join(box.dir, '.sandbox', 'spaces')
const bucket = readdirSync(spaces).find((name) => name.endsWith('-velero')) ?? ''
for (const name of ['first', 'main-first']) {
  const file = join(spaces, bucket, 'backups', name, 'velero-backup.json@')
  const backup = JSON.parse(readFileSync(file, 'utf8'))
  backup.status.expiration = '2026-01-02T03:04:05Z'
  writeFileSync(file, JSON.stringify(backup))
}

const proof = z.looseObject({
  backup: z.object({ name: z.string(), at: z.string(), commit: z.string() }),
  address: z.object({ now: z.string(), before: z.string() }),
  dns: z.array(z.string()),
  extended: z.array(z.object({ backup: z.string(), from: z.string(), to: z.string() })),
  verdict: z.string(),
  headline: z.string(),
  comparedAt: z.iso.datetime(),
  objects: z.array(z.object({ resource: z.string(), id: z.string(), outcome: z.string() })),
  notRestored: z.array(z.string()),
  timeline: z.array(z.object({ at: z.iso.datetime(), step: z.string() })),
  missing: z.array(z.string()),
})
let proven: z.infer<typeof proof>

t.test('as JSON', async (t) => {
  const ended = await shop.restore('--backup', 'first')
  t.equal(ended.code, 0, ended.err)
  t.match(
    ended.err,
    /~ it expires 2026-01-02T03:04:05Z, and is kept until 20\d\d-/,
    'told before the question',
  )
  proven = proof.parse(JSON.parse(ended.out))
  t.same(proven.missing, [])
  t.equal(proven.backup.commit, commit)
  const now = (await addresses()).find((one) => one !== was)
  t.same(proven.address, { now, before: was })
  t.same(proven.dns, [`hello.example.org A ${now}`])
  t.same(proven.extended.map(({ backup, from }) => `${backup} ${from}`).toSorted(), [
    'first 2026-01-02T03:04:05Z',
    'main-first 2026-01-02T03:04:05Z',
  ])
  t.equal(proven.headline, 'PROVEN')
  t.same(proven.notRestored, [])
  const outcomes = new Set(proven.objects.map((one) => one.outcome))
  t.same([...outcomes].toSorted(), ['back', 'from Git', 'made anew'])
  const keys = proven.objects.map((one) => `${one.resource} ${one.id}`)
  t.equal(new Set(keys).size, keys.length, 'each object once')
  for (const key of [
    'secrets shop/only-here',
    'deployments.apps shop/by-hand',
    'deployments.apps argocd/argocd-server',
  ])
    t.ok(keys.includes(key), key)
  t.ok(proven.timeline.some(({ step }) => step.startsWith('+ restore restore-main-2  Completed')))
  const listed = await box.run('scripts/backups.mts', ['--json'])
  t.match(listed.out, '"main-first"', 'Velero may write again, and the expired are there')
})

t.test('on the screen, told again by the same command', async (t) => {
  const again = await box.run('restore.mts', ['--backup', 'first'])
  t.equal(again.code, 0, again.err)
  const { now } = proven.address
  for (const line of [
    /^PROVEN\nbackup +first of 20\S+Z, onto main-2\n/,
    new RegExp(`^commit +${commit.slice(0, 12)}$`, 'm'),
    /^volumes +hello\/hello {2}\d+ bytes moved, as recorded$/m,
    /^ +shop\/files {2}\d+ bytes moved, as recorded$/m,
    /^objects +(\d+) of \1: \d+ from Git, \d+ back, \d+ made anew$/m,
    /^ +complete: .*\bdeployments \d+, /m,
    new RegExp(`^compared +${proven.comparedAt}$`, 'm'),
    /^applications +(\d+) of \1 Synced, Healthy$/m,
    new RegExp(`^address +${now}, was ${was}$`, 'm'),
    new RegExp(`^dns to change +hello.example.org A ${now}$`, 'm'),
    /^missing +nothing$/m,
    /\nlast backup +first, .+ old\n$/,
  ])
    t.match(again.out, line)
})
