import { z } from 'zod'
import { Problem } from '../../lib/base/problem.ts'
import { ownMachines } from '../../lib/cluster/ours.ts'
import { kubeconfigPath } from '../../lib/kubernetes/kubeconfig.ts'
import { leftAtLast } from './left.ts'
import type { Look } from './look.ts'
import { measure } from './measure.ts'
import { clusterOf, hasScript, removalWords, run, type Stage, sightOf, skip, step } from './play.ts'
import { outcomeOf, type When } from './question.ts'
import { isAsked, isOfTheMachine, questions } from './questions/all.ts'
import { applied, kubectl } from './sight.ts'

/** Asks everything that is to be asked now. */
async function ask(stage: Stage, when: When): Promise<void> {
  const sight = await sightOf(stage)
  for (const one of questions.filter(isAsked).filter((each) => each.when === when)) {
    const absent = one.notInBox && stage.state.sandbox
    stage.state.outcomes[one.id] = absent ? { why: 'not in the box' } : await outcomeOf(one, sight)
    stage.desk.save(stage.state)
  }
}

/** Takes the answers of the machine from what it says of itself. */
function readLook({ state }: Stage, look: Look): void {
  for (const one of questions.filter(isOfTheMachine))
    try {
      state.outcomes[one.id] = one.read(look)
    } catch (error) {
      state.outcomes[one.id] = { why: error instanceof Error ? error.message : String(error) }
    }
}

/** Measures the machine, which the box's machines cannot tell; a machine that says nothing ends no play. */
async function lookAround(stage: Stage, when: string): Promise<void> {
  const { state } = stage
  const none = (why: string) => {
    for (const one of questions.filter(isOfTheMachine)) state.outcomes[one.id] ??= { why }
  }
  if (state.sandbox) return none('not in the box')
  try {
    readLook(stage, await measure(await sightOf(stage), state, when))
  } catch (error) {
    none(`it could not be asked: ${error instanceof Error ? error.message : error}`)
  }
}

const kept = { name: 'kept', namespace: 'first-contact' }
const configMap = z.object({ data: z.object({ written: z.string() }) })

/** Writes what a backup must hold: bytes on the sample's volume, and an object that Git does not know. */
async function write(stage: Stage): Promise<string> {
  const kubeconfig = kubeconfigPath(stage.state.name)
  const sum = await stage.bytesOf(kubeconfig).write()
  await applied(
    kubeconfig,
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: kept.namespace } },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: kept, data: { written: sum } },
  )
  return sum
}

/** Compares it with what came back. @throws Problem */
async function compare(stage: Stage, sum: string): Promise<void> {
  const kubeconfig = kubeconfigPath(stage.state.name)
  const out = await kubectl(kubeconfig, ['get', 'configmap', kept.name, '-n', kept.namespace, '-o', 'json'])
  const { written } = configMap.parse(JSON.parse(out)).data
  if (written !== sum) throw new Problem('another object came back than was written')
  if ((await stage.bytesOf(kubeconfig).read()) !== sum)
    throw new Problem('other bytes came back than were written')
}

/** Makes sure that nothing of the cluster is left in the account. @throws Problem naming it */
export async function proveGone(stage: Stage, addresses: readonly string[] = []): Promise<void> {
  const { left, stays } = await leftAtLast(await clusterOf(stage), addresses)
  for (const one of stays) process.stderr.write(`  = ${one}\n`)
  if (left.length > 0) throw new Problem(`not all of ${stage.state.name} is gone: ${left.join(', ')}`)
}

/** Plays everything from nothing to nothing left. @throws Problem for the step that failed */
export async function playAll(stage: Stage): Promise<void> {
  const { state } = stage
  const grow = ['--region', state.region, '--size', state.size, '--yes', '--json']
  const scripts = (name: string, script: string, words: string[], allowed?: number[]) =>
    step(stage, name, () => run(stage, script, words, allowed))
  const addresses: string[] = []
  const noteAddress = async () => void addresses.push((await sightOf(stage)).address)
  let sum = ''

  await step(stage, 'questions before anything', () => ask(stage, 'before'))
  await scripts('bootstrap', 'bootstrap.mts', grow)
  await scripts('bootstrap again', 'bootstrap.mts', grow)
  await noteAddress()
  // What wants attention just now (3), or no whole backup yet (4), is an answer.
  await scripts('status', 'scripts/status.mts', ['--json'], [0, 3, 4])
  await step(stage, 'kubectl', async () => {
    process.stderr.write(await kubectl(kubeconfigPath(state.name), ['get', 'pods', '-A']))
  })
  await step(stage, 'memory at rest', () => lookAround(stage, 'at rest, after bootstrap'))
  await step(stage, 'data', async () => {
    sum = await write(stage)
  })
  await step(stage, 'questions on the first machine', () => ask(stage, 'grown'))
  await scripts('backup', 'scripts/backup.mts', ['--backup', 'play', '--yes', '--json'])
  await step(stage, 'memory after the backup', () => lookAround(stage, 'after the backup'))
  await scripts('wipe', 'scripts/destroy.mts', ['--confirm', state.name, '--yes', '--json'])
  await scripts('restore', 'restore.mts', ['--backup', 'play', '--yes', '--json'])
  await noteAddress()
  await step(stage, 'data compared', () => compare(stage, sum))
  await step(stage, 'memory after the restore', () => lookAround(stage, 'after the restore'))
  await scripts('scale out', 'scale.mts', ['--add', '1', '--yes', '--json'])
  await scripts('scale in', 'scale.mts', ['--remove', await newest(stage), '--yes', '--json'])
  if (hasScript('upgrade.mts')) await scripts('upgrade', 'upgrade.mts', ['--yes', '--json'])
  else skip(stage, 'upgrade', 'there is no upgrade.mts')
  await step(stage, 'questions before the end', () => ask(stage, 'last'))
  const words = removalWords(await clusterOf(stage))
  await scripts('destroy', 'scripts/destroy.mts', [...words, '--json'])
  await step(stage, 'nothing is left', () => proveGone(stage, addresses))
  await step(stage, 'questions after the end', () => ask(stage, 'after'))
  await step(stage, 'nothing is left of the questions', () => proveGone(stage, addresses))
}

/** The machine that joined last. */
async function newest(stage: Stage): Promise<string> {
  const { cloud, name } = await clusterOf(stage)
  const number = (droplet: string) => Number(droplet.split('-').pop())
  const { droplets } = await ownMachines(cloud, name)
  const [last] = droplets.map((one) => one.name).toSorted((a, b) => number(b) - number(a))
  if (!last) throw new Problem(`${name} has no machine`)
  return last
}
