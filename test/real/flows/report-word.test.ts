import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { z } from 'zod'
import { openTestBox } from '../../flows/box.ts'
import { kitFolder } from '../../flows/notes.ts'

// What a node reports is its own word (SIMULATED): whoever has the URLs in its user-data may report what they like.

t.setTimeout(300_000)
const box = await openTestBox(t)
const grown = await box.run('bootstrap.mts')
if (grown.code !== 0) throw new Error(grown.err)

const fileOf = (step: string) => join(kitFolder(box), 'nodes', 'main-1', `${step}.json@`)
const forget = (step: string) => {
  for (const file of [fileOf(step), `${fileOf(step)}meta`]) rmSync(file, { force: true })
}
const read = (file: string) => JSON.parse(readFileSync(file, 'utf8')) as object
/** Writes a report as whoever has its URL may. */
function write(step: string, word: object): void {
  const text = JSON.stringify({ ...read(fileOf('started')), step, ...word })
  writeFileSync(fileOf(step), text)
  const meta = { ...read(`${fileOf('started')}meta`), size: text.length }
  writeFileSync(`${fileOf(step)}meta`, JSON.stringify(meta))
}
/** Has the first report say something else, and the last one never come. */
function forge(word: object): void {
  write('started', word)
  forget('argocd')
}
const machines = async () =>
  z
    .object({ droplets: z.array(z.object({ id: z.number(), name: z.string() })) })
    .parse(await box.cloud('GET', '/v2/droplets'))
    .droplets.map(({ id, name }) => `${id} ${name}`)
const before = await machines()

const words = {
  'a word about another step': { step: 'fetch', state: 'failed', message: 'mallory says so' },
  'a failure before the bundle came': { step: 'started', state: 'failed', message: 'mallory says so' },
}
for (const [what, word] of Object.entries(words))
  t.test(`${what}: nothing is destroyed`, async (t) => {
    forge(word)
    const ended = await box.run('bootstrap.mts')
    t.equal(ended.code, 0, ended.err)
    t.same(await machines(), before)
    t.notMatch(ended.err, 'mallory')
  })

t.test('not even where every other report is gone: it has a volume, and it answers', async (t) => {
  forge(words['a failure before the bundle came'])
  for (const step of ['fetch', 'host', 'k3s']) forget(step)
  const plugged = await box.run('bootstrap.mts')
  t.equal(plugged.code, 0, plugged.err)
  t.match(plugged.err, '! droplet main-1  mallory says so; but a volume is plugged into it, so it stays')
  const volumes = z
    .object({ volumes: z.array(z.object({ id: z.string(), name: z.string() })) })
    .parse(await box.cloud('GET', '/v2/volumes'))
  t.equal(volumes.volumes.length, 1)
  const id = Number(before[0]?.split(' ')[0])
  for (const volume of volumes.volumes)
    await box.cloud('POST', `/v2/volumes/${volume.id}/actions`, {
      type: 'detach',
      droplet_id: id,
      region: 'fra1',
    })
  const answering = await box.run('bootstrap.mts')
  t.match(answering.err, '! droplet main-1  mallory says so; but its Kubernetes API answers, so it stays')
  t.same(await machines(), before)
})

/** What was done with the machine, one word each. */
const actions = async () =>
  z
    .object({ actions: z.array(z.object({ type: z.string() })) })
    .parse(await box.cloud('GET', `/v2/droplets/${before[0]?.split(' ')[0]}/actions`))
    .actions.map(({ type }) => type)

t.test('a later step that “failed” restarts no machine whose cluster works', async (t) => {
  const done = await actions()
  write('started', { state: 'done' })
  for (const step of ['k3s', 'argocd']) write(step, { state: 'failed', message: 'mallory says so' })
  const ended = await box.run('bootstrap.mts')
  t.equal(ended.code, 0, ended.err)
  t.match(
    ended.err,
    /! droplet main-1 {2}says that its step “k3s” failed \(mallory says so\); but its cluster has the platform/,
  )
  t.same(await actions(), done)
})

t.test('one that does not show it is restarted in order while a volume is plugged into it', async (t) => {
  const volumes = z
    .object({ volumes: z.array(z.object({ id: z.string(), droplet_ids: z.array(z.number()) })) })
    .parse(await box.cloud('GET', '/v2/volumes'))
  const [volume] = volumes.volumes
  const id = Number(before[0]?.split(' ')[0])
  const type = { type: 'attach', droplet_id: id, region: 'fra1' }
  if (volume?.droplet_ids.length === 0) await box.cloud('POST', `/v2/volumes/${volume.id}/actions`, type)
  const platform = ['application', 'platform', '-n', 'argocd']
  const orphan = JSON.stringify({ metadata: { finalizers: null } })
  await box.run('kubectl', ['patch', ...platform, '--type', 'merge', '-p', orphan])
  const gone = await box.run('kubectl', ['delete', ...platform])
  t.equal(gone.code, 0, gone.err)
  const kill = new AbortController()
  const [ended] = await Promise.all([
    box.run('bootstrap.mts', [], { kill: kill.signal }),
    box.once(
      ({ service, method, path }) =>
        service === 'digitalocean' && method === 'POST' && path === `/v2/droplets/${id}/actions`,
      async () => kill.abort(),
    ),
  ])
  t.equal(ended.code, null)
  const done = (await actions()).join(' ')
  t.match(done, 'reboot')
  t.notMatch(done, 'power_cycle')
})
