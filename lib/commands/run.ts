import { basename, relative } from 'node:path'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import type { ProcessOutput } from 'zx/core'
import { endChanges, noteChange } from '../base/change.ts'
import { askForSecret, askToGoOn, type Shown } from '../base/confirm.ts'
import { beginDryRun, DryRunEnd } from '../base/dry-run.ts'
import { atEnd, endAll, patience } from '../base/ending.ts'
import { leaveProxiesOut, missingTokens } from '../base/environment.ts'
import { beginScene, goesOn } from '../base/hint.ts'
import { need } from '../base/on-path.ts'
import { printable, printableJson, printableStep } from '../base/printable.ts'
import { Problem, Problems } from '../base/problem.ts'
import { projectFolder } from '../base/project.ts'
import { isOutcome, present } from '../base/result.ts'
import { endLive, print, tell } from '../base/story.ts'
import { systemProblem } from '../base/system-failure.ts'
import {
  type Command,
  checkCommand,
  type Flag,
  type Flags,
  helpText,
  ownVersion,
  readFlags,
} from './flags.ts'
import { loadWrapper } from './start.mjs'

/** What a flow is handed: its flags and words, and the question before anything is changed. */
export interface Running<F extends Record<string, Flag>> {
  flags: Flags<F>
  /** What stood on the command line beside the flags, where the command takes such. */
  words: string[]
  /** Shows what will happen and asks; `--yes` answers. In a dry run it shows and lets the flow print its commands. */
  confirm(plan: Shown | string): Promise<void>
}

/**
 * All the plumbing of a script: flags, sandbox, tokens, the question, the result on stdout, one clear message
 * and the exit code (0; 1 for an expected failure; 2 for wrong usage; 130 after Ctrl-C).
 */
export async function run<F extends Record<string, Flag> = Record<never, Flag>>(
  command: Command<F>,
  flow: (running: Running<F>) => unknown,
): Promise<void> {
  beginScene({})
  const stop = () => void interrupted('yes' in (command.flags ?? {}))
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  // Who reads our output may go away (`… | head -1`): the run goes on, and puts its keys away.
  process.stdout.on('error', lostOutput)
  process.stderr.on('error', () => {})
  const started = performance.now()
  const script = process.argv[1] ?? 'a flow'
  try {
    checkCommand(command, basename(script))
    if (typeof flow !== 'function')
      throw new Problem(`${basename(script)}: run has no flow`, {
        cure: 'Give it a function as the second argument; docs/own-flows.md shows one.',
      })
    const read = readFlags(basename(script).replace(/\.\w+$/, ''), command, process.argv.slice(2))
    const { words } = read
    const flags: Flags<F> & Partial<Record<string, unknown>> = read.flags
    if (flags.help) {
      process.stdout.write(helpText(command, relative(process.cwd(), script) || script))
      return
    }
    if (flags.version) {
      process.stdout.write(`regrow ${ownVersion()}\n`)
      return
    }
    beginScene({ name: word(flags.name), repo: word(flags.repo) })
    leaveProxiesOut()
    need('bash', 'doctl, kubectl, helm and velero are run with it')
    if (flags.sandbox && !process.env.REGROW_SANDBOXED) await openSandbox()
    if (flags.verbose) process.env.REGROW_VERBOSE = '1'
    const { tokens = true } = command
    if (typeof tokens === 'function' ? tokens(flags) : tokens) await askForTokens()
    const confirm = async (given: Shown | string) => {
      const plan: Shown = typeof given === 'string' ? { text: given } : given
      if (flags['dry-run']) {
        process.stdout.write(`${flags.json ? printableJson(plan) : printable(plan.text)}\n`)
        beginDryRun(flags.json ? process.stderr : process.stdout)
      } else {
        print(plan.text)
        if (plan.nothing) return
        await askToGoOn(flags.yes === true, { destructive: plan.destructive === true })
        // A person may think about it while others work.
        if (!flags.yes) noteChange()
      }
    }
    const result = await flow({ flags, words, confirm })
    await endAll()
    present(result, { json: flags.json, seconds: (performance.now() - started) / 1000 })
    const fault = isOutcome(result) ? result.fault() : undefined
    if (fault) process.exitCode = explain(fault)
    else if (isOutcome(result) && result.exitCode) process.exitCode = result.exitCode()
  } catch (error) {
    // What a flow trips over while it is stopped is no failure of it.
    if (stopping) return
    endLive()
    endChanges()
    await endAll()
    if (error instanceof DryRunEnd) {
      tell('·', 'dry run', error.message)
      return
    }
    process.exitCode = explain(error)
    // What runs beside the step that failed can do nothing more, and might wait for an hour.
    process.stderr.write('', () => process.exit())
  }
}

/** Tells a failure on stderr: what happened, to which thing, what to do; the stack only with DEBUG. @returns exit code */
export function explain(thrown: unknown): number {
  const error = systemProblem(thrown) ?? thrown
  if (error instanceof Problems) {
    tell('x', error.message)
    for (const one of error.all) explainOne(one)
    return error.exitCode
  }
  if (error instanceof Problem) {
    tell('x', error.message)
    if (error.cure) print(`  → ${error.cure}`)
  } else if (isOfZx(error)) {
    const said = [error.stderr, error.stdout].map((text) => text.trim()).find(Boolean) ?? '(it said nothing)'
    tell('x', `a command of your script ended with exit code ${error.exitCode}: ${said}`)
    print(`  → ${basename(process.argv[1] ?? 'It')} runs it with $.`)
  } else {
    const said = error instanceof Error ? error.message : String(error)
    const places = placesOf(error)
    const [place] = places
    if (place === undefined || isOfRegrow(place)) {
      tell('x', `unexpected: ${said}`)
      const caller = places.find((one) => !isOfRegrow(one))
      const unless = caller ? `, unless ${relative(process.cwd(), caller)} hands it something wrong` : ''
      print(
        `  → This is a fault of regrow${unless}. DEBUG=1 shows where; running the same command again is safe.`,
      )
    } else {
      tell('x', `your script failed: ${said}`)
      print(`  → ${place} threw it. DEBUG=1 shows the whole stack.`)
    }
  }
  if (process.env.DEBUG) print(printableStep(stackOf(error)))
  return error instanceof Problem ? error.exitCode : 1
}

/** Whether it is what zx's `$` throws: ours never does, so a person's own did. */
const isOfZx = (error: unknown): error is ProcessOutput =>
  Object.prototype.toString.call(error) === '[object ProcessOutput]'

function explainOne(problem: Problem): void {
  print(printableStep(`  • ${problem.message}`))
  if (problem.cure) print(`    → ${problem.cure}`)
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  const own = error.stack ?? ''
  return error.cause ? `${own}\ncaused by ${stackOf(error.cause)}` : own
}

/** The lines of scripts and of the library that an error comes from, `file:line`, the innermost first; without packages. */
function placesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return []
  return (error.stack ?? '')
    .split('\n')
    .flatMap((one) => /^ +at (?:async )?(?:.* \()?(?:file:\/\/)?(\/.+?:\d+):\d+\)?$/.exec(one)?.[1] ?? [])
    .filter((one) => !one.includes('/node_modules/'))
}

/** Scripts are a person's to edit; the library and the sandbox are ours. */
const isOfRegrow = (place: string) =>
  ['lib/', 'cloud-init/', 'sandbox/'].some((own) => place.startsWith(`${projectFolder}${own}`))

let stopping = false

function lostOutput(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') process.exitCode = explain(systemProblem(error, 'standard output') ?? error)
}

async function interrupted(changes: boolean): Promise<void> {
  stopping = true
  endLive()
  endChanges()
  tell('!', 'interrupted', changes ? `this goes on from here: ${goesOn()}` : '')
  const { seconds, for: long } = patience()
  for (const what of long) tell('!', what, 'is put right first; Ctrl-C again leaves it as it is')
  await Promise.race([endAll(), new Promise((resolve) => setTimeout(resolve, seconds * 1000))])
  process.exit(130)
}

const word = (flag: unknown) => (typeof flag === 'string' ? flag : undefined)

async function askForTokens(): Promise<void> {
  const missing = missingTokens()
  if (missing.length === 0 || !process.stdin.isTTY || !process.stderr.isTTY) return
  for (const kind of missing) {
    const answer = await askForSecret(kind === 'github' ? 'GitHub token' : 'DigitalOcean token')
    if (!answer) throw new Problem('no token given', { exitCode: 2 })
    process.env[kind === 'github' ? 'GITHUB_TOKEN' : 'DIGITALOCEAN_TOKEN'] = answer
  }
}

/** Has the sandbox's wrapper hold its world for as long as this process lives, and takes its environment. */
async function openSandbox(): Promise<void> {
  const { child, gone } = loadWrapper()
  child.ref()
  child.stdin.write('open\n')
  // What a flow loads when it needs it takes most of a second: time enough while the world opens in another process.
  const warm = Promise.all([
    import('zx/core'),
    import('@octokit/rest'),
    import('dots-wrapper'),
    import('@aws-sdk/client-s3'),
    import('handlebars'),
  ])
  const lines = createInterface({ input: child.stdout })
  const env = await new Promise<Record<string, string>>((resolve, reject) => {
    lines.once('line', (line) => resolve(z.record(z.string(), z.string()).parse(JSON.parse(line))))
    gone.then(() =>
      reject(new Problem('the sandbox could not be opened', { cure: 'Its message above says why.' })),
    )
  })
  await warm
  Object.assign(process.env, env)
  atEnd('sandbox', async () => {
    child.stdin.end()
    await gone
  })
}
