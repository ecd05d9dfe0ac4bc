import { delimiter, join } from 'node:path'
import type { z } from 'zod'
import { mayChange, noteChange } from '../base/change.ts'
import { isDryRun, showCommand } from '../base/dry-run.ts'
import { endpoints, tokens } from '../base/environment.ts'
import { again, command } from '../base/hint.ts'
import { printable } from '../base/printable.ts'
import { Problem } from '../base/problem.ts'
import { redact } from '../base/secret.ts'
import { shellQuote } from '../base/shell-quote.ts'
import { toolsFolder } from '../base/tools-folder.ts'
import { workFolder } from '../base/work-folder.ts'
import { missingScope, refusalIn } from './digitalocean-refusal.ts'
import { turn } from './pace.ts'

/** What a tool printed on stdout; `json` parses it with a schema. */
export interface Output {
  text: string
  /** @throws Problem when the tool printed something else than promised. */
  json<T>(schema: z.ZodType<T>): T
}

/** A tool ended with another exit code than 0, which may heal. Its message is for people; flows look at the cloud instead. */
export class ToolFailure extends Problem {
  readonly code: number | null
  /** The HTTP status of what the cloud refused; undefined where no answer is known. */
  readonly status: number | undefined

  constructor(command: string, code: number | null, said: string, status = refusalIn(said)?.status) {
    const ended = code === null ? '' : `ended with exit code ${code}: `
    super(`${command}\n    ${ended}${said || '(it said nothing)'}`, {
      cure: `Fix what it says and run ${again()}: it goes on from here.`,
    })
    this.code = code
    this.status = status
  }

  /** Whether the cloud said no, so that nothing was done. Of a 408, a 5xx or no answer nobody knows. */
  get isRefusal(): boolean {
    return this.status !== undefined && this.status !== 408 && this.status >= 400 && this.status < 500
  }
}

/** A cluster's API as kubectl and velero reach it. */
export interface Kube {
  /** Path of the kubeconfig that a person uses, mode 0600. */
  file: string
  /** Path of the one that this run uses itself, which ends with it; the person's where there is none. */
  run?: string
}

type Word = string | number | readonly string[]
/** A command as a tagged template: what is put in is quoted. */
export type Template = (pieces: TemplateStringsArray, ...words: Word[]) => Promise<Output>

interface Call {
  /** Put before the person-visible words: isolation, no retries. */
  isolation: readonly string[]
  env: NodeJS.ProcessEnv
  /** True when the call only looks: it is made in a dry run too. */
  looks: (words: string) => boolean
  input?: string
}

/**
 * doctl with the environment's token: no configuration file (its `context` would win over the token), no retries
 * (it repeats creates), JSON on stdout.
 */
export const doctl: Template = (pieces, ...words) =>
  call('doctl', pieces, words, { ...doctlCall(), looks: (said) => said.startsWith('account get') })

/** doctl for the run's own short-lived keys: they come and go without the cluster's lock, in a dry run too. */
export const doctlUnlocked: Template = (pieces, ...words) =>
  call('doctl', pieces, words, { ...doctlCall(), looks: () => true })

const doctlCall = () => ({
  isolation: ['--config', '/dev/null', '--http-retry-max', '0', '--output', 'json'],
  env: {
    DIGITALOCEAN_ACCESS_TOKEN: tokens().digitalocean.reveal(),
    DIGITALOCEAN_API_URL: endpoints().digitalocean,
  },
})

/** kubectl against one cluster; `input` goes to stdin. */
export const kubectl = (kube: Kube, input?: string): Template => {
  refuseBare('kubectl(kube)', kube)
  return (pieces, ...words) =>
    call('kubectl', pieces, words, {
      isolation: ['--kubeconfig', kube.run ?? kube.file],
      env: { KUBERC: 'off', KUBECACHEDIR: join(workFolder(), 'kube-cache') },
      looks: (said) => /^(get|version|wait|api-resources)\b/.test(said),
      ...(input === undefined ? {} : { input }),
    })
}

/** helm without a person's repositories or plugins; `input` (chart values) goes to stdin. */
export const helm = (input?: string): Template => {
  refuseBare('helm()', input)
  return (pieces, ...words) => {
    const home = join(workFolder(), 'helm')
    return call('helm', pieces, words, {
      isolation: [],
      env: {
        HELM_CONFIG_HOME: join(home, 'config'),
        HELM_CACHE_HOME: join(home, 'cache'),
        HELM_DATA_HOME: join(home, 'data'),
      },
      looks: () => true,
      ...(input === undefined ? {} : { input }),
    })
  }
}

/** velero against one cluster, in its namespace `velero`, without a person's velero configuration. */
export const velero = (kube: Kube): Template => {
  refuseBare('velero(kube)', kube)
  return (pieces, ...words) =>
    call('velero', pieces, words, {
      isolation: ['--kubeconfig', kube.run ?? kube.file, '--namespace', 'velero'],
      env: { HOME: workFolder() },
      looks: (said) => /^(backup|restore) (get|describe|logs)\b/.test(said),
    })
}

/** A flow that nobody compiled may write `kubectl`…``: then nothing would be run, and nothing said. @throws Problem */
function refuseBare(form: string, given: unknown): void {
  if (Array.isArray(given))
    throw new Problem(`“${given.join('…').trim()}” was not run`, {
      cure: `Write ${form}\`${given.join('…').trim()}\`.`,
    })
}

async function call(tool: string, pieces: TemplateStringsArray, words: Word[], how: Call): Promise<Output> {
  refuseOptions(tool, words)
  // Loaded with the first tool: a tenth of a second that `--help` need not take.
  const { $: zx, quote } = await import('zx/core')
  const shown = [tool, render(pieces, words)].join(' ')
  if (isDryRun() && !how.looks(shown.slice(tool.length + 1))) {
    showCommand(shown)
    return output(shown, '')
  }
  if (!how.looks(shown.slice(tool.length + 1))) await mayChange()
  const head = [tool, ...how.isolation.map(quote)].join(' ')
  const strings = pieces.map((piece, index) => (index === 0 ? `${head} ${piece.trimStart()}` : piece))
  // With a project doctl asks for it first and puts the droplet into it afterwards.
  if (tool === 'doctl') await turn(/^doctl compute droplet create /.test(shown) ? 3 : 1)
  if (process.env.REGROW_VERBOSE) process.stderr.write(`  $ ${printable(shown)}\n`)
  const changes = tool === 'doctl' && !/^doctl (account get|spaces keys )/.test(shown)
  if (changes) noteChange()
  const done = await zx({
    env: { ...quietEnvironment(), ...how.env },
    quiet: true,
    nothrow: true,
    verbose: false,
    // With a pipe on stdin bash takes itself for a remote shell and reads ~/.bashrc, unless it is a nested shell.
    stdio: [how.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    ...(how.input === undefined ? {} : { input: how.input }),
  })(Object.assign(strings, { raw: strings }) as unknown as TemplateStringsArray, ...words)
  if (changes) noteChange()
  if (done.exitCode !== 0) {
    const killed = done.signal ? `it was ended by ${done.signal}` : ''
    const said = redact([done.stderr, done.stdout, killed].map((text) => text.trim()).find(Boolean) ?? '')
    if (done.exitCode === 127)
      throw new Problem(`${tool} is not installed`, {
        cure: `Fetch the official releases: ${command('scripts/tools.mts')}`,
      })
    // No second attempt heals it.
    const scope = missingScope(said)
    if (scope)
      throw new Problem(
        `DigitalOcean refused this, because the token lacks ${scope}:\n    ${redact(shown)}`,
        {
          cure: `Give it ${scope}, or full access (docs/setup.md lists the scopes), and run ${again()}: it goes on from here.`,
        },
      )
    throw new ToolFailure(redact(shown), done.exitCode, said.split('\n').slice(-8).join('\n    '))
  }
  return output(shown, done.stdout)
}

/**
 * Options of a command stand in its text, or come as a list that is ours: a single word that is put in is a name, whoever
 * gave it.
 * @throws Problem naming one that the tool would take for an option
 */
function refuseOptions(tool: string, words: Word[]): void {
  const option = words.find((word) => typeof word === 'string' && word.startsWith('-'))
  if (option !== undefined)
    throw new Problem(`${tool} would take the name “${option}” for an option: it is not run`, {
      cure: 'Find out who gave something such a name: Kubernetes and DigitalOcean take none that begins with -.',
    })
}

function output(shown: string, text: string): Output {
  return {
    text,
    json: (schema) => {
      if (!schema)
        throw new Problem(`${redact(shown)}\n    is read by json() without a schema`, {
          cure: 'Say with zod what you expect, such as json(z.object({ items: z.array(z.unknown()) })).',
        })
      try {
        return schema.parse(JSON.parse(text))
      } catch (cause) {
        throw new Problem(`${redact(shown)}\n    printed something else than expected`, { cause })
      }
    },
  }
}

/** The command line as a person would type it. */
function render(pieces: TemplateStringsArray, words: Word[]): string {
  // What a dry run does not know yet stands there as `<new droplet>`.
  const quote = (word: string) => (/^<[\w ]+>$/.test(word) ? word : shellQuote(word))
  return pieces
    .map((piece, index) => {
      const word = words[index]
      if (word === undefined) return piece
      return piece + (Array.isArray(word) ? word.map(quote).join(' ') : quote(String(word)))
    })
    .join('')
    .trim()
}

const foreign =
  /^(AWS_|GH_|GITHUB_|DIGITALOCEAN_|DO_|KUBE|HELM_|VELERO_|REGROW_(STORE|VELERO|CSI|PASSPHRASE))/

/** What makes bash, in which zx runs a tool, do something before it or something else. */
const bash = /^(BASH_ENV|BASH_FUNC_.*|BASHOPTS|CDPATH|ENV|GLOBIGNORE|POSIXLY_CORRECT|SHELLOPTS)$/

/** The caller's environment less everything that would lead a tool to another account, cluster or secret. */
function quietEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !foreign.test(name) && !bash.test(name))
  const path = [toolsFolder(), process.env.PATH ?? ''].join(delimiter)
  return { ...Object.fromEntries(kept), PATH: path, SHLVL: '2' }
}
