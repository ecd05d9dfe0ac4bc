import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { z } from 'zod'
import type { LogEntry } from '../../../sandbox/world.ts'
import { openTestBox, ownPath, requestsIn } from '../../flows/box.ts'

// `npm run test:cloud -- --sandbox`, whole, against a SIMULATED cloud: killed once, and then with answers that contradict
// the box's own, which it must notice, each by name, and nothing else.

const fault = {
  kind: '429',
  service: 'digitalocean',
  method: 'GET',
  path: '^/v2/droplets/\\d+$',
  nth: 1,
} as const
const box = await openTestBox(t, [fault])
const runner = 'test/cloud/run.mts'
// The stand-ins first, then the Node that runs this.
const env = { PATH: [box.env.PATH, ownPath].join(':') }
const findings = z.object({
  name: z.string(),
  failed: z.string().optional(),
  differences: z.array(z.object({ id: z.string(), said: z.string(), place: z.string() })),
  steps: z.array(z.object({ name: z.string(), skipped: z.string().optional() })),
  answers: z.record(z.string(), z.looseObject({ said: z.string().optional(), why: z.string().optional() })),
  notInBox: z.array(z.string()),
})
const found = () => findings.parse(JSON.parse(readFileSync(join(box.dir, 'first-contact.json'), 'utf8')))
const state = join(box.dir, '.first-contact', 'state.json')
let cutOff = ''
let played = ''

/** Once the play's own bucket is removed, its name is held. */
async function holdNames(over: AbortSignal, behaviour: object): Promise<void> {
  const bucket = /^\/regrow-contact-\w+-\w+-velero\/?$/
  const isRemoval = ({ service, method, path }: LogEntry) =>
    service === 'spaces' && method === 'DELETE' && bucket.test(path) && !path.includes(cutOff)
  while (!over.aborted && !requestsIn(join(box.dir, '.sandbox')).some(isRemoval)) await sleep(200)
  box.behave(behaviour)
}

t.test(
  'killed in the middle of a bootstrap it leaves a cluster, and a note of it without a secret',
  async (t) => {
    const kill = new AbortController()
    const [ended] = await Promise.all([
      box.run(runner, ['--sandbox', '--yes'], { env, kill: kill.signal }),
      box.once(
        (one) => one.method === 'POST' && one.path === '/v2/droplets' && one.status < 300,
        async () => kill.abort(),
      ),
    ])
    t.equal(ended.code, null)
    t.match(ended.err, /together, at most +\$5\.\d\d/)
    t.equal(statSync(state).mode & 0o777, 0o600)
    const noted = readFileSync(state, 'utf8')
    for (const secret of [box.env.DIGITALOCEAN_TOKEN, box.env.GITHUB_TOKEN])
      t.notOk(noted.includes(secret ?? '-'))
    cutOff = z.object({ name: z.string() }).parse(JSON.parse(noted)).name
    const { droplets } = z
      .object({ droplets: z.array(z.object({ name: z.string() })) })
      .parse(await box.cloud('GET', '/v2/droplets'))
    t.same(droplets, [{ name: `${cutOff}-1` }])
  },
)

t.test('with the tokens of another account nothing is touched', async (t) => {
  const noted = readFileSync(state, 'utf8')
  writeFileSync(state, JSON.stringify({ ...JSON.parse(noted), account: 'another' }))
  const ended = await box.run(runner, ['--sandbox', '--clean'], { env })
  t.equal(ended.code, 2)
  t.match(ended.err, `the play that was cut off made ${cutOff} in another account`)
  writeFileSync(state, noted)
})

t.test('the next call removes it first, and then plays to the end', async (t) => {
  const contrary = { limitedKeyVersions: 'see', githubInitMs: 400 }
  box.behave(contrary)
  const over = new AbortController()
  const [ended] = await Promise.all([
    box.run(runner, ['--sandbox', '--yes'], { env }).finally(() => over.abort()),
    holdNames(over.signal, { ...contrary, heldBuckets: ['^regrow-contact-'] }),
  ])
  t.equal(ended.code, 0, ended.err.slice(-3000))
  t.match(ended.err, `- ${cutOff}  nothing of it is left`)
  const { failed, name, differences, steps, answers, notInBox } = found()
  t.equal(failed, undefined)
  t.not(name, cutOff)
  played = name
  t.same(differences.map(({ id, said }) => [id, said]).toSorted(), [
    ['limited-key-and-versions', 'see'],
    ['name-of-a-removed-bucket', 'no'],
    ['new-repository', 'no'],
  ])
  for (const { place } of differences) t.match(ended.err, `change ${place}`)
  t.same(
    steps.filter((one) => one.skipped).map((one) => [one.name, one.skipped]),
    [['upgrade', 'there is no upgrade.mts']],
  )
  t.equal(answers['pause-with-429']?.said, 'yes', 'a 429 that came was looked at')
  t.equal(answers['image-delete-scope']?.said, undefined, 'what nobody can ask has no answer')
  const failures = Object.entries(answers).filter(([, { why }]) => why?.startsWith('it could not'))
  t.same(failures, [])
  t.ok(notInBox.includes('memory of each program') && notInBox.includes('metadata'))
  t.notOk(existsSync(state))
})

t.test('the box is empty but for the network that every account has', async (t) => {
  for (const kind of [
    'droplets',
    'volumes',
    'snapshots',
    'firewalls',
    'reserved_ips',
    'account/keys',
    'spaces/keys',
  ]) {
    const answer = await box.cloud('GET', `/v2/${kind}`)
    t.same(Object.values(answer).filter(Array.isArray).flat(), [], kind)
  }
  const { vpcs } = z
    .object({ vpcs: z.array(z.object({ name: z.string() })) })
    .parse(await box.cloud('GET', '/v2/vpcs'))
  t.same(vpcs, [{ name: 'default-fra1' }])
  for (const name of [cutOff, played])
    await t.rejects(box.github('GET', `/repos/bob/regrow-${name}`), /404/, name)
})
