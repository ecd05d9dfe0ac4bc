import { existsSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { names } from './names.ts'
import { projectFolder } from './project.ts'
import { shellQuote } from './shell-quote.ts'
import { toolsFolder } from './tools-folder.ts'

// Every command that a message names is made here: it knows the cluster, its repository and the sandbox, so that it
// does what was meant when a person pastes it.

/** Which cluster this run is about. */
interface Scene {
  name: string
  /** Its repository at GitHub. */
  place: { owner: string; name: string }
  /** Whose GitHub token it is, where that is known. */
  login: string | undefined
}

let typed: { name?: string | undefined; repo?: string | undefined } = {}
let scene: Scene | undefined
let finisher: string | undefined
const made = new Set<string>()

/** A run begins: until its cluster is described, its flags tell which one it is about. */
export function beginScene(flags: { name?: string | undefined; repo?: string | undefined }): void {
  typed = flags
  scene = undefined
  finisher = undefined
}

/** The first cluster that a run describes is the one it is about. */
export function setScene(cluster: Scene): void {
  scene ??= cluster
}

/** Every command that was made for a message so far: such a one is never broken into two lines. */
export const madeCommands = (): ReadonlySet<string> => made

function remembered(text: string): string {
  made.add(text)
  return text
}

/** Whether this run rehearses in the sandbox, by `--sandbox` or in its wrapper. */
const isSandboxed = (): boolean => Boolean(process.env.REGROW_SANDBOXED) || process.argv.includes('--sandbox')

/**
 * A command of this project as the person can paste it, for the cluster that this run is about.
 * @param script such as `scripts/kubeconfig.mts`
 * @param words what follows, each a word of its own
 */
export function command(script: string, ...words: readonly string[]): string {
  if (scene) return hint(script, scene, ...words)
  const { name, repo } = typed
  return line(script, [...(name ? ['--name', name] : []), ...(repo ? ['--repo', repo] : []), ...words])
}

/** The same for a certain cluster. */
export function hint(script: string, { name, place, login }: Scene, ...words: readonly string[]): string {
  const usual = place.owner === login && place.name === names.repository(name)
  return line(script, [
    '--name',
    name,
    ...(usual ? [] : ['--repo', `${place.owner}/${place.name}`]),
    ...words,
  ])
}

/**
 * A command with just these words, and `--sandbox` where this run is in it. The two scripts that know no clusters are
 * given none of that.
 */
export function line(script: string, words: readonly string[]): string {
  const knowsClusters = !/(^|\/)(tools|sandbox)\.mts$/.test(script)
  const given = words.filter((_, at) => knowsClusters || !isOfCluster(words, at))
  const boxed = knowsClusters && isSandboxed() && !given.includes('--sandbox')
  const path = pathOf(resolve(projectFolder, script))
  return remembered([path, ...given.map(shellQuote), ...(boxed ? ['--sandbox'] : [])].join(' '))
}

const isOfCluster = (words: readonly string[], at: number) =>
  [words[at], words[at - 1]].some((one) => one === '--name' || one === '--repo')

/** The command that this run was started with, to be given once more. A script that another one runs names that one. */
export function sameCommand(): string {
  const [, script = '', ...words] = process.argv
  return process.env.REGROW_RUN_BY ?? line(script, words)
}

/** From now on another command finishes what this run began, because the same one once more would do more. */
export function finishedBy(other: string): void {
  finisher = other
}

/** What goes on from here, behind “run”: the same command, or the one that finishes it. */
export const again = (): string => finisher ?? 'the same command again'

/** What goes on from here, as a line to paste. */
export const goesOn = (): string => finisher ?? sameCommand()

/** A template that makes a command of its words, each quoted where it must be. */
export type Words = (pieces: TemplateStringsArray, ...words: readonly (string | number)[]) => string

const quoted: Words = (pieces, ...words) =>
  pieces.map((piece, at) => (at === 0 ? piece : shellQuote(String(words[at - 1])) + piece)).join('')

/** A doctl command as the person can paste it: with this run's token, whatever context their own doctl is in. */
export const doctlHint: Words = (pieces, ...words) => {
  const call = quoted(pieces, ...words)
  if (isSandboxed()) return remembered(`${line('scripts/sandbox.mts', ['doctl'])} ${call}`)
  const token = process.env.DIGITALOCEAN_TOKEN?.trim() ? 'DIGITALOCEAN_ACCESS_TOKEN=$DIGITALOCEAN_TOKEN ' : ''
  return remembered(`${token}${programOf('doctl')} --config /dev/null ${call}`)
}

/** A kubectl command as the person can paste it. @param file of the kubeconfig */
export const kubectlHint =
  (file: string): Words =>
  (pieces, ...words) =>
    withKubeconfig('kubectl', file, quoted(pieces, ...words))

/** A velero command as the person can paste it. @param file of the kubeconfig */
export const veleroHint =
  (file: string): Words =>
  (pieces, ...words) =>
    withKubeconfig('velero', file, quoted(pieces, ...words))

function withKubeconfig(program: string, file: string, words: string): string {
  const head = isSandboxed() ? line('scripts/sandbox.mts', [program]) : programOf(program)
  return remembered(`${head} --kubeconfig ${shellQuote(short(file))} ${words}`)
}

/** How a person's kubectl reaches a cluster. The sandbox's sleeps between two commands, so there each wakes it. */
export const useKubeconfig = (file: string): string =>
  isSandboxed() ? kubectlHint(file)`get pods -A` : remembered(`export KUBECONFIG=${shellQuote(file)}`)

/** How a person's browser reaches Argo CD. In the sandbox it does not: nothing serves pages there. */
export const portForward = (file: string): string[] =>
  isSandboxed()
    ? []
    : [kubectlHint(file)`-n argocd port-forward svc/argocd-server 8080:443`, 'then https://localhost:8080']

/** A tool as a shell finds it: that of the project's folder, where it was fetched, else that on the PATH. */
function programOf(name: string): string {
  const own = join(toolsFolder(), name)
  return existsSync(own) ? pathOf(own) : name
}

/** A program's path from here, so that a shell does not look for it on the PATH. */
function pathOf(file: string): string {
  const path = relative(process.cwd(), file)
  return shellQuote(/^[./]/.test(path) ? path : `./${path}`)
}

/** A file's path from here where it lies below, else the whole one. */
function short(file: string): string {
  const path = relative(process.cwd(), file)
  return path.startsWith('..') ? file : path
}
