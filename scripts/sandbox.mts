#!/usr/bin/env -S sh -c 'exec node --max-semi-space-size=4 --import "$(dirname "$(realpath "$0")")/../lib/commands/start.mjs" "$0" "$@"'
import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, resolve } from 'node:path'
import { z } from 'zod'
import { leaveProxiesOut, line, Problem, readYaml, tell } from '../lib/base/index.ts'
import { faultsOf } from '../lib/cluster/index.ts'
import { explain, ownVersion, unknown } from '../lib/commands/index.ts'
// The whole cloud in a box: runs any command against a simulated DigitalOcean, Spaces and GitHub. Nothing costs money.
import { isRunning, openBox } from '../sandbox/box.ts'

const own = line('scripts/sandbox.mts', [])
const help = `The whole cloud in a box: runs a command against a simulated DigitalOcean,
Spaces and GitHub.

  ${own} [flags] COMMAND [WORDS]

For example: ${own} ${line('bootstrap.mts', [])}
             ${own} bash

  --reset         forget the world first
  --latency N     slowness of the cloud: 0 none (default), 1 as DigitalOcean’s
  --hold          print the environment, run the world until stdin ends
  --wait          with --hold: read a line before the world is opened
  --faults FILE   what goes wrong, as JSON (docs/sandbox.md)
  --version       print the version of regrow
  --help          show this text (-h)

The world lives in .sandbox/ of the current folder, or in REGROW_SANDBOX, and
survives between commands.
`
const faultsAsked = z.array(
  z.strictObject({
    kind: z.enum(['429', '500', '503', 'cut-before', 'cut-after', 'timeout', 'slow']),
    service: z.string().optional(),
    method: z.string().optional(),
    path: z.string().optional(),
    nth: z.int().min(1).optional(),
    times: z.int().min(1).optional(),
  }),
)

/** Reads the wrapper's own flags; everything from the first other word on is the command. */
function read(argv: string[]) {
  const flags = {
    reset: false,
    latency: Number(process.env.REGROW_SANDBOX_LATENCY ?? 0),
    /** Flags that only who starts the world can heed. */
    asked: [] as string[],
    faults: process.env.REGROW_SANDBOX_FAULTS || undefined,
    help: false,
    version: false,
    hold: false,
    wait: false,
  }
  let at = 0
  for (; /^--|^-h$/.test(argv[at] ?? ''); at++) {
    if (argv[at] !== '--hold' && argv[at] !== '--wait') flags.asked.push(argv[at] ?? '')
    if (argv[at] === '--help' || argv[at] === '-h') return { ...flags, command: [], help: true }
    if (argv[at] === '--version') return { ...flags, command: [], version: true }
    if (argv[at] === '--hold') flags.hold = true
    else if (argv[at] === '--wait') flags.wait = true
    else if (argv[at] === '--reset') flags.reset = true
    else if (argv[at] === '--latency') flags.latency = Number(argv[++at])
    else if (argv[at] === '--faults') flags.faults = argv[++at] ?? ''
    else
      throw unknown(
        argv[at] ?? '',
        ['reset', 'latency', 'hold', 'wait', 'faults', 'version', 'help'],
        'sandbox',
      )
  }
  if (!(flags.latency >= 0 && flags.latency <= 1))
    throw new Problem('--latency takes a number from 0 to 1', {
      cure: '--help lists what sandbox takes.',
      exitCode: 2,
    })
  return { ...flags, command: argv.slice(at) }
}

/** The faults that a file asks for. */
function readFaults(file: string) {
  const raw = readYaml(file)
  const read = faultsAsked.safeParse(raw)
  if (read.success) return read.data
  const wrong = faultsOf(read.error, raw, faultsAsked).map(({ key, fault }) => `${key} ${fault}`.trim())
  throw new Problem(`${file} cannot be used: ${wrong.join('; ')}`, {
    cure: 'docs/sandbox.md shows what it may hold.',
    exitCode: 2,
  })
}

/** Runs the command and waits for it; signals reach it by the terminal or are handed on. */
function runCommand([command = '', ...words]: string[], env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((done, failed) => {
    // A script of this project is started by the Node that runs this one: no second look-up of tsx.
    const own = command.endsWith('.mts')
    const child = own
      ? spawn(process.execPath, [...process.execArgv, resolve(command), ...words], { stdio: 'inherit', env })
      : spawn(command, words, { stdio: 'inherit', env })
    process.on('SIGINT', () => {})
    process.on('SIGTERM', () => child.kill('SIGTERM'))
    process.on('SIGHUP', () => child.kill('SIGHUP'))
    child.once('error', (cause) =>
      failed(new Problem(`${command} could not be started`, { cause, exitCode: 2 })),
    )
    child.once('exit', (code, signal) => done(code ?? 128 + (signal ? constants.signals[signal] : 0)))
  })
}

/** Whether a line comes before standard input ends: the command wants a world after all. */
function isWanted(): Promise<boolean> {
  return new Promise((done) =>
    process.stdin
      .once('data', () => {
        process.stdin.pause()
        done(true)
      })
      .once('end', () => done(false))
      .once('error', () => done(false)),
  )
}

/** Prints the world's environment and keeps it running until standard input ends: what a flow with `--sandbox` uses. */
function hold(env: Record<string, string>): Promise<number> {
  process.on('SIGINT', () => {})
  // Who asked for it may be gone already; then standard input has ended, too.
  process.stdout.on('error', () => {})
  process.stdout.write(`${JSON.stringify(env)}\n`)
  process.stdin.resume()
  return new Promise((done) => process.stdin.once('end', () => done(0)).once('error', () => done(0)))
}

try {
  const wanted = read(process.argv.slice(2))
  if (wanted.version) {
    process.stdout.write(`regrow ${ownVersion()}\n`)
    process.exit(0)
  }
  if (wanted.help || (wanted.command.length === 0 && !wanted.hold)) {
    process.stdout.write(help)
    process.exit(wanted.help ? 0 : 2)
  }
  if (wanted.hold) leaveProxiesOut()
  if (wanted.wait && !(await isWanted())) process.exit(0)
  const dir = resolve(process.env.REGROW_SANDBOX ?? '.sandbox')
  const faults = wanted.faults !== undefined ? readFaults(wanted.faults) : []
  const [asked] = wanted.asked
  if (asked && (process.env.REGROW_SANDBOXED || (await isRunning(dir))))
    throw new Problem(`${asked} comes too late: the world runs already`, {
      cure: 'End what runs it (another run in the sandbox, or the shell in it), then run this again.',
      exitCode: 2,
    })
  if (process.env.REGROW_SANDBOXED) process.exit(await runCommand(wanted.command, process.env))
  if (wanted.reset) rmSync(dir, { recursive: true, force: true })
  const box = await openBox({
    dir,
    latencyScale: wanted.latency,
    faults,
  })
  tell(
    '·',
    'sandbox',
    `everything here is simulated; the world is ${dirname(dir) === process.cwd() ? '.sandbox/' : dir}${box.guest ? ' (joined)' : ''}`,
  )
  if (!box.guest && box.env.REGROW_STAND_INS)
    tell('·', `stand-ins for ${box.env.REGROW_STAND_INS}`, `real ones: ${line('scripts/tools.mts', [])}`)
  const code = wanted.hold
    ? await hold(box.env)
    : await runCommand(wanted.command, { ...process.env, ...box.env })
  const minutes = Math.ceil(box.cloudSeconds() / 60)
  if (minutes > 1)
    tell('·', 'estimate for the real thing', `about ${minutes} min without image pulls, never measured`)
  const own = wanted.hold || wanted.command[0]?.endsWith('.mts')
  if (own && !box.guest && box.hasMachines())
    tell('·', 'the simulated cluster stops now', `${line('scripts/sandbox.mts', ['bash'])} starts it`)
  await box.leave()
  process.exit(code)
} catch (error) {
  process.exit(explain(error))
}
