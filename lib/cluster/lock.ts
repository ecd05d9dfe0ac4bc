import { hostname, userInfo } from 'node:os'
import { z } from 'zod'
import { processes, startOf } from '../base/alive.ts'
import { endChanges, guardChanges } from '../base/change.ts'
import { atEnd } from '../base/ending.ts'
import { again, goesOn } from '../base/hint.ts'
import { Problem } from '../base/problem.ts'
import { tell } from '../base/story.ts'
import { backoff } from '../base/wait.ts'
import type { GitHub, Place } from '../clients/github.ts'
import { GitHubRefusal } from '../clients/github-refusal.ts'

// Not under heads/, so that no workflow runs because of it.
const ref = 'regrow/lock'

const holder = z.object({
  state: z.enum(['held', 'released']),
  flow: z.string(),
  who: z.string(),
  host: z.string(),
  /** Which processes its number counts among: a container's are not its host's. */
  processes: z.string().optional(),
  pid: z.number(),
  /** When that process started, so that a number given again is not taken for it. */
  started: z.string(),
  at: z.string(),
})
type Holder = z.infer<typeof holder>

/** How a flow locks. */
export interface Locking {
  flow: string
  /** Takes the lock over from whoever has it. */
  steal: boolean
  /** Runs when the lock was taken: what was read before may have been changed by somebody else. */
  taken: () => Promise<void>
  /** Told when nobody else has the lock and GitHub will not move it: the run goes on without. Else that is a Problem. */
  without?: ((why: GitHubRefusal) => void) | undefined
}

/** The lock as a run stands to it: where its ref points, and whether this run holds it. */
interface Taken {
  tip: string | undefined
  held: boolean
}

/**
 * From now on every change needs the cluster's lock; the first one takes it, so a run with nothing to change writes
 * nothing. The lock is a chain of commits on a ref of the repository that is moved by fast-forward only, which is a
 * compare-and-swap. A dead process of this host is taken over; anyone else only with `steal`. Before every later
 * change the ref is looked at again, so a holder that was stolen from finds out: that change throws a Problem. So does
 * one that goes on without the lock, as soon as another run has it.
 */
export function lockChanges(github: GitHub, place: Place, locking: Locking): void {
  const { flow, taken } = locking
  let taking: Promise<Taken> | undefined
  // All first changes of a run, which come at the same time, wait until what was read is known to be true.
  let gaining: Promise<number> | undefined
  let gained: number | undefined
  guardChanges(async () => {
    if (gained !== undefined) await stillOurs(github, place, (await taking)?.tip)
    taking ??= take(github, place, locking)
    gaining ??= taking.then(taken).then(() => {
      gained = performance.now()
      return gained
    })
    return gaining
  })
  atEnd('lock', async () => {
    endChanges()
    if (!taking) return releaseForDead(github, place, flow)
    const { tip, held } = await taking.catch(() => ({ tip: undefined, held: false }))
    if (!held || (await github.ref(place, ref)) !== tip) return
    await write(github, place, { ...me(flow), state: 'released' }, tip)
  })
}

async function take(github: GitHub, place: Place, { flow, steal, without }: Locking): Promise<Taken> {
  const before = await github.ref(place, ref)
  const other = before ? holderOf((await github.commit(place, before)).message) : undefined
  if (other?.state === 'held') explainTakeover(other, place, steal)
  try {
    return { tip: await write(github, place, me(flow), before), held: true }
  } catch (error) {
    // A limit is over soon: nobody goes on without the lock for that.
    if (!without || !(error instanceof GitHubRefusal) || error.status === 429) throw error
    // It must be readable all the same, and nobody else's.
    await stillOurs(github, place, before)
    without(error)
    return { tip: before, held: false }
  }
}

/** A run that was killed when nothing was left to do would keep other computers out: the next one had nothing to lock. */
async function releaseForDead(github: GitHub, place: Place, flow: string): Promise<void> {
  const tip = await github.ref(place, ref)
  const other = tip ? holderOf((await github.commit(place, tip)).message) : undefined
  if (other?.state !== 'held' || !isDead(other)) return
  await write(github, place, { ...me(flow), state: 'released' }, tip)
  tell('!', 'lock', `released for ${name(other)}, which is not running any more`)
}

async function stillOurs(github: GitHub, place: Place, tip: string | undefined): Promise<void> {
  const now = await github.ref(place, ref)
  if (now === tip) return
  const other = now ? holderOf((await github.commit(place, now)).message) : undefined
  throw new Problem(
    `the lock of ${place.owner}/${place.name} was taken over by ${other ? name(other) : 'somebody'}`,
    {
      cure: `Nothing more was changed by this run. Wait for the other one, then run ${again()}.`,
    },
  )
}

/** Where the lock stands: with `wasReleasedSince` a later run finds out whether the run that saw it there ever ended. */
export const lockTip = (github: GitHub, place: Place): Promise<string | undefined> => github.ref(place, ref)

/** Whether the lock was released since it stood there: not where that run, and all that took over from it, were killed. */
export async function wasReleasedSince(github: GitHub, place: Place, tip: string): Promise<boolean> {
  for (let sha = await github.ref(place, ref); sha; ) {
    const { message, parents } = await github.commit(place, sha)
    if (holderOf(message)?.state !== 'held') return true
    if (sha === tip) return false
    sha = parents[0]?.sha
  }
  return true
}

/** Who holds a lock. */
export interface HeldLock {
  holder: string
  /** It is a process of this computer, and is not there any more. */
  isDead: boolean
}

/** Who holds the lock, for status; undefined when nobody does. */
export async function lockHolder(github: GitHub, place: Place): Promise<HeldLock | undefined> {
  const tip = await github.ref(place, ref)
  const found = tip ? holderOf((await github.commit(place, tip)).message) : undefined
  return found?.state === 'held' ? { holder: name(found), isDead: isDead(found) } : undefined
}

function explainTakeover(other: Holder, place: Place, steal: boolean): void {
  const dead = isDead(other)
  if (!dead && !steal)
    throw new Problem(`${place.owner}/${place.name} is locked by ${name(other)}`, {
      cure: `Wait for it. If you are sure that run is dead, take its lock: ${goesOn()} --steal-lock`,
    })
  tell('!', 'lock', `taken over from ${name(other)}${dead ? ', which is not running any more' : ''}`)
}

/** Whether the holder is known to be dead: only a process of this host can be looked for. */
function isDead(one: Holder): boolean {
  const here = one.host === hostname() && one.processes === processes()
  return here && startOf(one.pid) !== one.started
}

async function write(github: GitHub, place: Place, who: Holder, parent: string | undefined): Promise<string> {
  const base = parent ?? (await github.ref(place, 'heads/main'))
  if (!base) throw new Problem(`${place.owner}/${place.name} has no commit to lock on`)
  const { tree } = await github.commit(place, base)
  const message = `regrow lock: ${who.state} by ${name(who)}\n\n${JSON.stringify(who)}\n`
  const sha = await github.writeCommit(place, message, tree.sha, parent ? [parent] : [])
  for (let attempt = 1; ; attempt++)
    try {
      if (parent) await github.moveRef(place, ref, sha)
      else await github.createRef(place, ref, sha)
      return sha
    } catch (error) {
      if (!(error instanceof GitHubRefusal)) throw error
      // An answer that was lost may have moved it all the same; where nobody moved it, it may be asked for again.
      const now = await github.ref(place, ref)
      if (now === sha) return sha
      if (now === parent) {
        if (!error.mayHeal || attempt === 4) throw error
        await backoff(attempt)
        continue
      }
      const other = now ? holderOf((await github.commit(place, now)).message) : undefined
      throw new Problem(`somebody else took the lock at the same moment${other ? `: ${name(other)}` : ''}`, {
        cure: `Wait for that run, then run ${again()}.`,
        cause: error,
      })
    }
}

function me(flow: string): Holder {
  const pid = process.pid
  return {
    state: 'held',
    flow,
    who: userName(),
    host: hostname(),
    processes: processes(),
    pid,
    started: startOf(pid) ?? '',
    at: new Date().toISOString(),
  }
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    // A container may run under a user id that has no name.
    return `user ${process.getuid?.() ?? ''}`
  }
}

const name = (one: Holder) => `${one.who} on ${one.host} (${one.flow}, process ${one.pid}, since ${one.at})`

function holderOf(message: string): Holder | undefined {
  const line = message.split('\n').find((one) => one.startsWith('{'))
  try {
    return holder.parse(JSON.parse(line ?? ''))
  } catch {
    // A commit that regrow did not write locks nobody.
    return undefined
  }
}
