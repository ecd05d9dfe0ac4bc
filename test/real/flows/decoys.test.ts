import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { z } from 'zod'
import { plantDecoys } from '../../faults/decoys.ts'
import { differences, stateOf } from '../../faults/state.ts'
import { confirmed, openTestBox, type TestBox } from '../../flows/box.ts'
import { kitFolder } from '../../flows/notes.ts'

// A SIMULATED account full of things that are named, tagged and placed like the cluster's, and are somebody else's: made
// before it, while flows run, and after. Counted: no flow touches one of them.

t.setTimeout(900_000)

const machine = { region: 'fra1', size: 's-1vcpu-2gb', image: 'debian-13-x64' }
const droplet = z.object({ id: z.number(), name: z.string(), status: z.string() })
const dropletsOf = async (box: TestBox) =>
  z.object({ droplets: z.array(droplet) }).parse(await box.cloud('GET', '/v2/droplets?per_page=200')).droplets
const make = async (box: TestBox, more: object) =>
  z.object({ droplet }).parse(await box.cloud('POST', '/v2/droplets', { ...machine, ...more })).droplet
const projectOf = async (box: TestBox, name: string) =>
  z
    .object({ projects: z.array(z.object({ id: z.string(), name: z.string() })) })
    .parse(await box.cloud('GET', '/v2/projects'))
    .projects.find((one) => one.name === name)?.id
const put = (box: TestBox, project: string | undefined, urn: string) =>
  box.cloud('POST', `/v2/projects/${project}/resources`, { resources: [urn] })
/** Ids, names and states of foreign machines: what must be the same afterwards. */
const asThey = async (box: TestBox, ids: readonly number[]) =>
  (await dropletsOf(box))
    .filter(({ id }) => ids.includes(id))
    .map((one) => `${one.id} ${one.name} ${one.status}`)
const deletes = /droplet delete|delete it at DigitalOcean/

t.test('every flow of a cluster’s life, among decoys', async (t) => {
  const box = await openTestBox(t)
  box.behave({ githubScopes: 'repo, delete_repo' })
  await plantDecoys(box)
  const state = () => stateOf(join(box.dir, '.sandbox'))
  // The account's default project takes in what is made without one.
  const seen = () => state().filter((line) => !line.includes('"is_default":true'))
  let planted = seen()
  let during = 0
  const plantMore = async () => {
    during++
    await make(box, { name: `main-${during + 1}` })
    await make(box, { name: 'main-1', tags: ['regrow:main2'] })
    await box.cloud('POST', '/v2/volumes', { name: `pvc-${during}`, region: 'fra1', size_gigabytes: 1 })
    await box.cloud('POST', '/v2/spaces/keys', { name: `regrow-main-velero-${during}-old`, grants: [] })
  }
  const flows: [script: string, words: string[], request: RegExp][] = [
    ['bootstrap.mts', [], /^POST \/v2\/droplets/],
    ['scripts/backup.mts', [], /^POST \/v2\/spaces\/keys/],
    ['scale.mts', ['--add', '1'], /^POST \/v2\/droplets/],
    ['scale.mts', ['--remove', 'main-2'], /^DELETE \/v2\/droplets/],
    ['scripts/rehearse.mts', [], /^DELETE \/v2\/droplets/],
    ['restore.mts', ['--backup', 'main-first', '--replace', '--git-removed', 'keep'], /power_off|actions/],
    ['bootstrap.mts', [], /^POST \/v2\/spaces\/keys/],
    [
      'scripts/destroy.mts',
      ['--with-backups', '--with-repository', ...confirmed()],
      /^DELETE \/v2\/droplets/,
    ],
  ]
  for (const [script, words, request] of flows) {
    const before = state()
    const meanwhile = box.once(
      ({ service, method, path }) => service === 'digitalocean' && request.test(`${method} ${path}`),
      plantMore,
    )
    const [ended] = await Promise.all([
      box.run(script, [...words, ...(script.endsWith('backup.mts') ? [] : ['--yes'])]),
      meanwhile,
    ])
    t.equal(ended.code, 0, `${script} ${words.join(' ')}: ${ended.err}`)
    const gone = differences(planted, seen()).filter((line) => line.startsWith('-'))
    t.same(gone, [], `${script} ${words.join(' ')}`)
    // What came meanwhile is among the new lines; from the next flow on it is held, too.
    const own = /regrow:main"|"regrow-main-(velero|operator|reader|setup)-\w+(-\w{6}-\d+-\w{6})?"|-drill/
    const fresh = differences(before, state())
      .filter(
        (line) =>
          line.startsWith('+ droplets ') || line.startsWith('+ volumes ') || line.startsWith('+ keys '),
      )
      .map((line) => line.slice(2))
    planted = [...planted, ...fresh.filter((line) => !own.test(line))]
  }
  const names = (await dropletsOf(box)).map((one) => one.name)
  t.equal(names.length, 2 + 2 * flows.length, 'all that was planted is there, and nothing else')
})

t.test('a machine that regrow did not name stops whoever would touch it', async (t) => {
  const box = await openTestBox(t)
  const grown = await box.run('bootstrap.mts')
  t.equal(grown.code, 0, grown.err)
  const restored = await box.run('restore.mts', ['--backup', 'main-first', '--replace', '--yes'])
  t.equal(restored.code, 0, restored.err)
  const project = await projectOf(box, 'regrow-main')

  await t.test('an id in a note is a hint', async (t) => {
    const other = await make(box, { name: 'other-prod' })
    const file = join(kitFolder(box), 'nodes', 'main-2', 'restore.json@')
    const text = readFileSync(file, 'utf8')
    const note = JSON.parse(text) as { droplets: object[] }
    const forged = JSON.stringify({
      ...note,
      sum: undefined,
      droplets: [{ id: String(other.id), name: 'main-1' }],
    })
    const meta = JSON.parse(readFileSync(`${file}meta`, 'utf8')) as object
    writeFileSync(file, forged)
    writeFileSync(`${file}meta`, JSON.stringify({ ...meta, size: forged.length }))
    const before = await asThey(box, [other.id])
    const ended = await box.run('restore.mts', ['--backup', 'main-first', '--yes'])
    t.equal(ended.code, 1, ended.err)
    t.match(
      ended.err,
      `droplet other-prod (${other.id}) is noted as one of the earlier cluster main, and is none of its machines`,
    )
    t.same(await asThey(box, [other.id]), before)
    writeFileSync(file, text)
    writeFileSync(`${file}meta`, JSON.stringify(meta))
    await box.cloud('DELETE', `/v2/droplets/${other.id}`)
  })

  const kinds: [what: string, plant: () => Promise<number>][] = [
    [
      'web-prod, put into the project',
      async () => {
        const { id } = await make(box, { name: 'web-prod' })
        await put(box, project, `do:droplet:${id}`)
        return id
      },
    ],
    [
      'main-77, tagged like ours: no number that was given',
      async () => (await make(box, { name: 'main-77', tags: ['regrow:main'] })).id,
    ],
  ]
  for (const [what, plant] of kinds)
    await t.test(what, async (t) => {
      const id = await plant()
      const before = await asThey(box, [id])
      for (const [script, ...words] of [
        ['bootstrap.mts'],
        ['scale.mts', '--add', '1'],
        ['restore.mts', '--backup', 'main-first', '--replace'],
        ['scripts/destroy.mts', '--with-backups', ...confirmed()],
      ] as const) {
        const ended = await box.run(script, [...words, '--yes'])
        t.equal(ended.code, 1, `${script}: ${ended.err}`)
        t.match(ended.err, /regrow never gave it that name[\s\S]*Move it to another project/, script)
        t.notMatch(ended.err, deletes, `${script} says nothing of deleting it`)
        t.same(await asThey(box, [id]), before, script)
      }
      await box.cloud('DELETE', `/v2/droplets/${id}`)
    })
  const status = await box.run('scripts/status.mts')
  t.equal(status.code, 0, status.out + status.err)
})

t.test('a project, a network and buckets of our names that somebody made before', async (t) => {
  const box = await openTestBox(t)
  const made = { name: 'regrow-main', purpose: 'Web Application', description: 'the shop' }
  const { project } = z
    .object({ project: z.object({ id: z.string() }) })
    .parse(await box.cloud('POST', '/v2/projects', made))
  const web = await make(box, { name: 'web-prod' })
  await put(box, project.id, `do:droplet:${web.id}`)
  const state = () => stateOf(join(box.dir, '.sandbox')).filter((line) => !line.startsWith('keys '))
  const before = state()
  const shown = await box.run('scripts/destroy.mts', ['--dry-run'])
  t.notMatch(shown.out + shown.err, /web-prod|project regrow-main/)
  const removed = await box.run('scripts/destroy.mts', ['--yes', ...confirmed()])
  t.equal(removed.code, 0, removed.err)
  const ended = await box.run('bootstrap.mts')
  t.equal(ended.code, 1)
  t.match(ended.err, 'project regrow-main is there, and regrow did not make it')
  t.same(differences(before, state()), [])

  await box.cloud('PATCH', `/v2/projects/${project.id}`, { name: 'shop' })
  await box.cloud('POST', '/v2/vpcs', { name: 'main-network', region: 'fra1', ip_range: '10.200.0.0/20' })
  const network = await box.run('bootstrap.mts')
  t.equal(network.code, 1)
  t.match(network.err, 'network main-network is there with the range 10.200.0.0/20')
  t.same(
    readdirSync(join(box.dir, '.sandbox')).includes('spaces')
      ? readdirSync(join(box.dir, '.sandbox', 'spaces'))
      : [],
    [],
  )
})

t.test('an address that a person put into the project never becomes the cluster’s', async (t) => {
  const box = await openTestBox(t)
  const grown = await box.run('bootstrap.mts')
  t.equal(grown.code, 0, grown.err)
  const web = await make(box, { name: 'web-prod' })
  const address = z.object({ reserved_ip: z.object({ ip: z.string() }) })
  const theirs = async (body: object) =>
    address.parse(await box.cloud('POST', '/v2/reserved_ips', body)).reserved_ip.ip
  const ips = [await theirs({ droplet_id: web.id }), await theirs({ region: 'fra1' })]
  await box.cloud('POST', '/v2/projects', { name: 'shop', purpose: 'Web Application' })
  const into = async (project: string, ip: string) =>
    put(box, await projectOf(box, project), `do:floatingip:${ip}`)
  const seen = async () =>
    z
      .object({
        reserved_ips: z.array(z.object({ ip: z.string(), droplet: z.object({ id: z.number() }).nullish() })),
      })
      .parse(await box.cloud('GET', '/v2/reserved_ips'))
      .reserved_ips.filter(({ ip }) => ips.includes(ip))
      .map(({ ip, droplet }) => `${ip} ${droplet?.id}`)
  for (const ip of ips) await into('regrow-main', ip)
  const before = await seen()
  const removed = await box.run('scripts/destroy.mts', ['--yes', ...confirmed()])
  t.equal(removed.code, 0, removed.err)
  t.same(await seen(), before)
  const [leading = '', idle = ''] = ips
  for (const there of [[leading], [idle], ips]) {
    for (const ip of ips) await into(there.includes(ip) ? 'regrow-main' : 'shop', ip)
    for (const [script, ...words] of [
      ['bootstrap.mts'],
      ['restore.mts', '--backup', 'main-first'],
    ] as const) {
      const ended = await box.run(script, [...words, '--yes'])
      t.equal(ended.code, 1, `${script}: ${ended.err}`)
      t.match(ended.err, /reserved IP \S+ is in project regrow-main and leads .*, and regrow did not make it/)
      t.same(await seen(), before, `${script} among ${there.length}`)
    }
  }
  for (const ip of ips) await into('shop', ip)
  const again = await box.run('bootstrap.mts', ['--yes'])
  t.equal(again.code, 0, again.err)
  t.same(await seen(), before)
})
