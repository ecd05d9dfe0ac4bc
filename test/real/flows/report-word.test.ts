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
/** Has the first report say something else, and the last one never come. */
function forge(word: object): void {
  const [file, meta] = [fileOf('started'), `${fileOf('started')}meta`]
  const read = (one: string) => JSON.parse(readFileSync(one, 'utf8')) as object
  const text = JSON.stringify({ ...read(file), ...word })
  writeFileSync(file, text)
  writeFileSync(meta, JSON.stringify({ ...read(meta), size: text.length }))
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
