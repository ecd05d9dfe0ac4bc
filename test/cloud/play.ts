import { spawn } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { startOf } from '../../lib/base/alive.ts'
import { Problem } from '../../lib/base/problem.ts'
import { tell } from '../../lib/base/story.ts'
import { bucketPlaces, type Cluster, describe } from '../../lib/cluster/cluster.ts'
import { ownMachines } from '../../lib/cluster/ours.ts'
import { kubeconfigPath } from '../../lib/kubernetes/kubeconfig.ts'
import type { Bytes } from './bytes.ts'
import { countOf, type Passed } from './relay.ts'
import { root, type Sight } from './sight.ts'
import type { Desk, State } from './state.ts'
import { waitsIn } from './waits.ts'

/** What a play works with. */
export interface Stage {
  desk: Desk
  state: State
  requests: Passed[]
  /** Seconds that something in the cluster may take. */
  patience: number
  bytesOf(kubeconfig: string): Bytes
}

/** How a script ended, what it told on the way, and its result. */
interface Ran {
  code: number | null
  story: string
  out: string
}

const isRan = (done: unknown): done is Ran => typeof done === 'object' && done !== null && 'story' in done

/** The cluster of the play as it is now. */
export const clusterOf = ({ state }: Stage): Promise<Cluster> => describe({ name: state.name })

/** What questions are asked with, now. */
export async function sightOf(stage: Stage): Promise<Sight> {
  const cluster = await clusterOf(stage)
  const { reservedIps } = await ownMachines(cluster.cloud, cluster.name)
  const address = reservedIps[0]?.ip ?? ''
  const { requests, patience } = stage
  return { cluster, kubeconfig: kubeconfigPath(cluster.name), address, requests, patience }
}

/** Plays one step and notes its time and its requests. @throws what the step throws */
export async function step(stage: Stage, name: string, work: () => Promise<unknown>): Promise<void> {
  const { desk, state, requests } = stage
  tell('·', `first contact: ${name}`)
  state.current = { step: name, pid: process.pid, started: startOf(process.pid) ?? '' }
  desk.save(state)
  const [started, before] = [performance.now(), requests.length]
  const done = await work()
  const ran = isRan(done) ? done : undefined
  const own = requests.slice(before)
  state.steps.push({
    name,
    seconds: (performance.now() - started) / 1000,
    ...(ran ? { code: ran.code } : {}),
    digitalocean: countOf(own, 'digitalocean'),
    github: countOf(own, 'github'),
    waits: waitsIn(ran?.story ?? '', state.name),
  })
  delete state.current
  desk.save(state)
}

/** Notes a step that is not played, with the reason. */
export function skip({ desk, state }: Stage, name: string, why: string): void {
  tell('·', `first contact: ${name}`, why)
  const none = { all: 0, aMinute: 0 }
  state.steps.push({ name, seconds: 0, skipped: why, digitalocean: none, github: none, waits: [] })
  desk.save(state)
}

/** A script of the project that is there. */
export const hasScript = (script: string): boolean => existsSync(join(root, script))

/**
 * Runs a script of the project as a person does, for the play's cluster and no other.
 * @param allowed exit codes that are no failure
 * @throws Problem where it ends otherwise
 */
export async function run(
  { desk, state }: Stage,
  script: string,
  words: readonly string[],
  allowed: readonly number[] = [0],
): Promise<Ran> {
  const child = spawn(join(root, script), ['--name', state.name, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (state.current && child.pid)
    state.current = { ...state.current, pid: child.pid, started: startOf(child.pid) ?? '' }
  desk.save(state)
  child.stderr.pipe(process.stderr, { end: false })
  const ended = new Promise<number | null>((done, failed) => child.once('exit', done).once('error', failed))
  const [out, story, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  writeFileSync(join(desk.folder, 'story.txt'), story, { flag: 'a', mode: 0o600 })
  if (!allowed.includes(code ?? -1)) {
    const said = story.split('\n').filter((line) => /^(x| {2}→| {2}•)/.test(line))
    throw new Problem(`${script} ended with exit code ${code}: ${said.slice(0, 3).join(' ').trim()}`)
  }
  return { code, story, out }
}

/** The words with which all of the play's cluster goes, whatever state it is in. */
export function removalWords(cluster: Cluster): string[] {
  const { velero, kit } = bucketPlaces(cluster)
  const all = ['--with-backups', '--with-repository', '--unfinished', '--yes']
  return [...all, '--confirm', cluster.name, '--confirm-backups', velero, '--confirm-kit', kit]
}

/** Ends a script that a killed play left running: as Ctrl-C does, and for good after a minute. */
export async function endLeftOver({ current }: State): Promise<void> {
  const runs = () => current !== undefined && startOf(current.pid) === current.started
  if (!current || current.pid === process.pid || !runs()) return
  tell('·', `process ${current.pid}`, `of the play that was cut off is ended first`)
  process.kill(current.pid, 'SIGINT')
  for (let second = 0; second < 60 && runs(); second++) await sleep(1000)
  if (runs()) process.kill(current.pid, 'SIGKILL')
}
