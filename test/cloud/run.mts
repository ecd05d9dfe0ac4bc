// First contact with the real DigitalOcean: `npm run test:cloud`. Says what it costs and asks; --help lists its flags.
import { randomBytes } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { askToGoOn } from '../../lib/base/confirm.ts'
import { endpoints, leaveProxiesOut, tokens } from '../../lib/base/environment.ts'
import { Problem } from '../../lib/base/problem.ts'
import { print, tell } from '../../lib/base/story.ts'
import { describe } from '../../lib/cluster/cluster.ts'
import { feeIsOf, inventory } from '../../lib/cluster/ours.ts'
import { explain } from '../../lib/commands/run.ts'
import { openBox } from '../../sandbox/box.ts'
import { bytesInBox, bytesOf } from './bytes.ts'
import { type Cost, costOf, costText, hoursOf, plannedHours, type Terms } from './cost.ts'
import { leftOf } from './left.ts'
import { clusterOf, endLeftOver, removalWords, run, type Stage, sightOf, step } from './play.ts'
import { questions } from './questions/all.ts'
import { type Passed, startRelay } from './relay.ts'
import { findingsOf, pageOf } from './report.ts'
import { askCloud, withKey } from './sight.ts'
import { openDesk, type State } from './state.ts'
import { playAll, proveGone } from './steps.ts'

const help = `First contact: grows a cluster at DigitalOcean, plays its whole life, asks what could not be known before, and
removes everything. Writes first-contact.md and first-contact.json.

  npm run test:cloud -- [flags]

  --yes           answer the question about the cost beforehand
  --dry-run       tell the cost and the questions, change nothing
  --clean         only remove what a play that was cut off left
  --region REGION where (fra1)
  --size SIZE     size of the machines (s-1vcpu-2gb)
  --sandbox       against the sandbox: no tokens, no money
  --help          show this text
`

const boxes = process.argv.includes('--sandbox')
const ends: (() => Promise<void>)[] = []

/** Opens the sandbox, or joins it, and takes its environment. */
async function openSandbox(world: string): Promise<void> {
  const box = await openBox({ dir: world, latencyScale: 0, faults: [] })
  Object.assign(process.env, box.env)
  ends.push(() => box.leave())
}

/** In the box a person’s account has a network of the region already, as most have. */
async function ensureDefaultNetwork(region: string): Promise<void> {
  await askCloud('POST', '/v2/vpcs', { name: `default-${region}`, region })
}

/** Has every request of scripts and tools pass by here; those to Spaces are signed for their address and go straight. */
async function passBy(requests: Passed[]): Promise<void> {
  const { digitalocean, github } = endpoints()
  const note = (one: Passed) => void requests.push(one)
  const [cloud, git] = await Promise.all([
    startRelay('digitalocean', digitalocean, note),
    startRelay('github', github, note),
  ])
  Object.assign(process.env, { REGROW_DIGITALOCEAN_URL: cloud.url, REGROW_GITHUB_URL: git.url })
  ends.push(cloud.close, git.close)
}

/** What the play will cost, or did. */
async function costsOf(stage: Stage, hours: Terms['hours']): Promise<Cost[]> {
  const { state } = stage
  const { cloud, name } = await clusterOf(stage)
  const size = (await cloud.sizes()).find(({ slug }) => slug === state.size)
  if (!size) throw new Problem(`DigitalOcean has no size ${state.size}`, { exitCode: 2 })
  const fee = feeIsOf(await inventory(cloud, name)) === undefined
  return costOf({ machine: size.price_monthly, hours, fee })
}

/** Writes what is known by now. */
function report(state: State, costs: Cost[]): void {
  const found = findingsOf(state, questions, costs, new Date())
  writeFileSync('first-contact.json', `${JSON.stringify(found, null, 2)}\n`)
  writeFileSync('first-contact.md', pageOf(found))
  for (const one of found.differences)
    tell('!', one.question, `supposed ${one.supposed}, seen ${one.said}: change ${one.place}`)
  tell(
    '+',
    'first-contact.md',
    `${found.differences.length} differences; first-contact.json has the same as data`,
  )
}

/** Removes all of a play's cluster, whatever state it is in. @throws Problem naming what is left */
async function cleanUp(stage: Stage): Promise<void> {
  const cluster = await clusterOf(stage)
  await run(stage, 'scripts/destroy.mts', removalWords(cluster))
  // A question makes the bucket again for a moment.
  const { left } = await leftOf(cluster, [])
  if (left.some((one) => one.startsWith('bucket ')))
    await withKey(await sightOf(stage), 'full', async (store, name) => {
      if ((await store.look(name)) === 'ours') await store.removeBucket(name)
    })
  await proveGone(stage)
}

/** A name that nothing in the account has. */
async function freshState(region: string, size: string): Promise<State> {
  const name = `contact-${randomBytes(3).toString('hex')}`
  const cluster = await describe({ name })
  const [problem] = cluster.problems
  if (problem) throw problem
  if (cluster.repository || (await inventory(cluster.cloud, name)).projects.length > 0)
    throw new Problem(`there is a cluster ${name} already`, { cure: 'Run it again: it draws another name.' })
  return {
    ...{ name, region, size, sandbox: boxes, begun: new Date().toISOString() },
    ...{ account: cluster.account?.uuid ?? '', login: cluster.login ?? '' },
    ...{ steps: [], outcomes: {}, memory: [], images: [] },
  }
}

/** Whether these are the tokens and the place of a play that was cut off. @throws Problem */
async function needSame(before: State): Promise<void> {
  const other = (what: string) =>
    new Problem(`the play that was cut off made ${before.name} ${what}`, {
      cure: 'Give the tokens of that account, with the same --sandbox or without: what it left costs money.',
      exitCode: 2,
    })
  if (before.sandbox !== boxes) throw other(before.sandbox ? 'in the sandbox' : 'at DigitalOcean')
  const { account, login, problems } = await describe({ name: before.name })
  if (!account || login === undefined) throw problems[0] ?? other('in an account that cannot be read')
  if (account.uuid !== before.account || login !== before.login) throw other('in another account')
}

async function main(): Promise<void> {
  const { values: flags } = parseArgs({
    options: {
      yes: { type: 'boolean', default: false },
      'dry-run': { type: 'boolean', default: false },
      clean: { type: 'boolean', default: false },
      sandbox: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
      region: { type: 'string', default: 'fra1' },
      size: { type: 'string', default: 's-1vcpu-2gb' },
    },
  })
  if (flags.help) return void process.stdout.write(help)
  leaveProxiesOut()
  const world = resolve(process.env.REGROW_SANDBOX ?? '.sandbox')
  const desk = openDesk(resolve('.first-contact'))
  if (boxes) await openSandbox(world)
  tokens()
  const before = desk.load()
  if (!boxes) process.env.REGROW_KUBECONFIG_DIR = desk.folder
  const requests: Passed[] = []
  await passBy(requests)
  const stageOf = (state: State): Stage => ({
    ...{ desk, state, requests, patience: boxes ? 5 : 600 },
    bytesOf: (kubeconfig) => (boxes ? bytesInBox(world) : bytesOf(kubeconfig)),
  })

  if (before) {
    await needSame(before)
    tell(
      '!',
      before.name,
      `a play was cut off in step “${before.current?.step ?? 'none'}”: it is removed first`,
    )
    await endLeftOver(before)
    before.failed ??= `it was cut off in step “${before.current?.step ?? 'none'}”`
    const stage = stageOf(before)
    const costs = await costsOf(stage, hoursOf(before.steps))
    if (!flags['dry-run']) {
      await step(stage, 'clean-up', () => cleanUp(stage))
      report(before, costs)
      desk.clear()
      tell('-', before.name, 'nothing of it is left')
    }
  }
  if (flags.clean) return before ? undefined : tell('=', 'nothing to clean', 'no play was cut off')

  const stage = stageOf(await freshState(flags.region, flags.size))
  if (boxes) await ensureDefaultNetwork(flags.region)
  const { state } = stage
  const planned = await costsOf(stage, plannedHours)
  print(
    [
      `first contact: cluster ${state.name} in ${state.region}, its whole life, in about an hour`,
      ...costText(planned),
      `  ${questions.length} questions; all of it is removed at the end, and by the next call where this one is cut off`,
    ].join('\n'),
  )
  if (flags['dry-run']) return tell('·', 'dry run', 'nothing was changed')
  await askToGoOn(flags.yes, { destructive: true })
  desk.save(state)
  try {
    await playAll(stage)
  } catch (error) {
    state.failed = `${state.current?.step ?? 'at the end'}: ${error instanceof Error ? error.message : error}`
    tell('x', 'first contact', state.failed)
    await step(stage, 'clean-up', () => cleanUp(stage))
    process.exitCode = 1
  }
  report(state, await costsOf(stage, hoursOf(state.steps)))
  desk.clear()
}

process.on('SIGINT', () => {
  tell('!', 'interrupted', 'npm run test:cloud -- --clean removes what is there')
  process.exit(130)
})

try {
  await main()
} catch (error) {
  process.exitCode = explain(error)
  if (existsSync(join('.first-contact', 'state.json')))
    print('  → npm run test:cloud -- --clean removes what is there: it costs money until then')
} finally {
  for (const end of ends.reverse()) await end()
}
