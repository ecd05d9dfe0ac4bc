import { setTimeout as sleep } from 'node:timers/promises'
import { holdsSince, mayChange } from '../base/change.ts'
import { isDryRun } from '../base/dry-run.ts'
import { again } from '../base/hint.ts'
import { Problem } from '../base/problem.ts'
import { tell } from '../base/story.ts'
import { backoff, waitFor } from '../base/wait.ts'
import { ToolFailure } from './tools.ts'

/** A thing that must exist: how to see it, how to make it, and what to do when it was made twice. */
export interface Thing<T> {
  /** Kind and name, such as `droplet main-1`. */
  what: string
  /**
   * All of ours that answer to it; normally none or one.
   * @param since by `performance.now()`: an answer that was asked for since then will do
   */
  look: (since: number) => Promise<T[]>
  act: () => Promise<unknown>
  /** Shown behind the name, of what was found or made. */
  detail?: (thing: T) => string
  /** Stands for the thing in a dry run. */
  imagined: T
  /** Removes a twin that a create in doubt left behind; without it twins are a Problem. */
  remove?: (twin: T) => Promise<unknown>
  /** How many seconds the effect of a lost answer is looked for before it is made again; 4 by default. */
  patience?: number
  /** Why it is no use to try again, as seen after a failed act; undefined when it may heal. */
  hopeless?: () => Promise<Problem | undefined>
  /** What to do when it could not be made after all; by default to mend what was said. */
  cure?: string
  /** Which of several to keep; the first by default. */
  prefer?: (twins: T[]) => T | undefined
}

/**
 * How often an act is tried again: when there were too many requests (two minutes in all), when the cloud refused it for
 * another reason, and when nobody knows whether it had its effect.
 */
const most = { limited: 60, refused: 6, lost: 4 }

/**
 * Looks, acts only when it is missing, looks again. A failed act may have had its effect (the answer was lost), so what
 * exists is looked at before another attempt; twins that come to light are removed. What the cloud refused had none: it is
 * asked for again after a pause.
 * @throws Problem when it cannot be made, with what the tool said.
 */
export async function ensure<T>(thing: Thing<T>): Promise<T> {
  const started = performance.now()
  const before = await thing.look(holdsSince())
  if (before.length > 0) return one(thing, before, '=', started, false)
  if (isDryRun()) {
    await thing.act()
    return thing.imagined
  }
  // What was seen before this began, or before this run had the lock, does not say that nothing is there now.
  const since = (await mayChange(started)) ? performance.now() : started
  const meanwhile = await thing.look(since)
  if (meanwhile.length > 0) return one(thing, meanwhile, '=', started, false)
  const tries = { limited: 0, refused: 0, lost: 0 }
  for (;;) {
    try {
      await thing.act()
      const made = await waitFor({ until: `${thing.what} is there`, every: 2, within: 90 }, () => some(thing))
      const doubt = tries.lost > 0
      return one(thing, doubt ? await withLateTwins(thing, made) : made, '+', started, doubt)
    } catch (error) {
      if (!(error instanceof ToolFailure)) throw error
      const kind = error.status === 429 ? 'limited' : error.isRefusal ? 'refused' : 'lost'
      const attempt = ++tries[kind]
      const made = await effectOf(thing, kind)
      if (made) return one(thing, made, '+', started, tries.lost > 0)
      if (attempt === most[kind])
        throw new Problem(`${thing.what} could not be made: ${error.message}`, {
          cure: thing.cure ?? `Fix what it says and run ${again()}: it goes on from here.`,
          cause: error,
        })
      // doctl does not tell for how long: a look that is refused as well keeps the pause that its answer asks for.
      await (kind === 'limited' ? sleep(attempt === 1 ? 1000 : 2000) : backoff(attempt, thing.patience))
    }
  }
}

/** What is there after a failed act. @throws Problem when it is no use to try again */
async function effectOf<T>(thing: Thing<T>, kind: keyof typeof most): Promise<T[] | undefined> {
  const found = await some(thing)
  if (found || kind === 'limited') return found
  const hopeless = await thing.hopeless?.()
  if (hopeless) throw hopeless
  return kind === 'lost' ? lookForEffect(thing) : undefined
}

async function some<T>(thing: Thing<T>): Promise<T[] | undefined> {
  const found = await thing.look(performance.now())
  return found.length > 0 ? found : undefined
}

/** Lists lag behind creates: the effect of a lost answer may show only some looks later. */
async function lookForEffect<T>(thing: Thing<T>): Promise<T[] | undefined> {
  const until = performance.now() + (thing.patience ?? 4) * 1000
  for (let look = 1; ; look++) {
    const found = await some(thing)
    if (found || performance.now() > until) return found
    await backoff(look, thing.patience)
  }
}

/** It was made more than once, so an earlier one may show only now: looked for as long as its effect was. */
async function withLateTwins<T>(thing: Thing<T>, made: T[]): Promise<T[]> {
  if (!thing.remove) return made
  const until = performance.now() + (thing.patience ?? 4) * 1000
  let found = made
  for (let look = 1; found.length < 2 && performance.now() < until; look++) {
    await backoff(look, thing.patience)
    found = await thing.look(performance.now())
  }
  return found
}

async function one<T>(
  thing: Thing<T>,
  found: T[],
  mark: '+' | '=',
  started: number,
  doubt: boolean,
): Promise<T> {
  const keep = thing.prefer?.(found) ?? found[0]
  if (keep === undefined) throw new Problem(`${thing.what} vanished while it was looked at`)
  const twins = found.filter((other) => other !== keep)
  if (twins.length > 0) {
    if (!thing.remove || !doubt)
      throw new Problem(
        `there are ${found.length} of ${thing.what}, and only one is wanted${thing.detail ? `: ${found.map(thing.detail).join(', ')}` : ''}`,
        {
          cure: `One may have been made late, for an earlier run that no longer looked for it. ${thing.detail && thing.prefer ? `Keep ${thing.detail(keep)} and remove the rest by hand` : 'Remove the one that is not in use by hand'}, then run ${again()}.`,
        },
      )
    for (const twin of twins) {
      await thing.remove(twin)
      tell('-', `${thing.what} (made twice)`)
    }
  }
  const seconds = (performance.now() - started) / 1000
  tell(mark, thing.what, thing.detail?.(keep) ?? '', mark === '+' ? seconds : undefined)
  return keep
}
