import type { GitHub, ListedCommit, Place } from '../clients/github.ts'
import { type Application, applicationOf, isApplication } from './application.ts'
import type { HeldObject } from './held.ts'
import { type Described, describedIn, isThat } from './manifest-files.ts'
import { RepositoryReader, type RepositoryTree, withFiles } from './repository-tree.ts'
import { type DesiredState, desiredState, findWanted, type RepositoryView } from './wanted.ts'

/** The commit that took something out of Git, and the file in which it had stood. */
interface RemovingCommit extends ListedCommit {
  path: string
}

/** An object of a backup that Git wants no longer, so that Argo CD would delete it behind a restore. */
export interface RemovedObject {
  object: HeldObject
  /** Undefined where it was not found. */
  commit: RemovingCommit | undefined
  /** What leaves the cluster and takes it along, such as `Namespace shop`, where Git has no say in the object itself. */
  with?: string
}

/** How a backup and Git differ in what is to be there. */
export interface GitDifference {
  removed: readonly RemovedObject[]
  /** What another Application brings by now: without the mark of the first one, that one does not delete it. */
  moved: readonly HeldObject[]
  /** Files that a commit can put back as they were, so that Git wants what they describe again. */
  restorable: ReadonlyMap<string, string>
  /** What these files do not bring back, because a commit changed more than to remove whole files. */
  unrestorable: readonly RemovedObject[]
}

/** Nothing that Git removed. */
export const noDifference: GitDifference = { removed: [], moved: [], restorable: new Map(), unrestorable: [] }

/** What is compared with Git. */
export interface Comparison {
  github: GitHub
  place: Place
  /** The branch that `HEAD` means. */
  branch: string
  /** The Applications that regrow applies itself. */
  roots: readonly Application[]
  /** The commit to compare with. */
  head: string
  /** Commits beside which the backup was made: what any of them has was there. */
  before: readonly string[]
  held: readonly HeldObject[]
}

/**
 * Finds what a backup holds and Git has removed since: by the files of each Application now and then. Of charts, other
 * repositories and the like the files tell nothing: their objects count as wanted while their source is unchanged.
 * What a removed namespace holds goes with it, whoever made it; so do the objects of a removed definition.
 * @throws GitHubRefusal
 */
export async function removedFromGit(wish: Comparison): Promise<GitDifference> {
  const { held, head } = wish
  const tracked = held.filter((one) => one.app !== undefined)
  if (tracked.length === 0) return noDifference
  const reader = new RepositoryReader(wish.github, wish.place)
  const now = await wishAt(reader, wish, head)
  const before = await Promise.all(wish.before.map((commit) => wishAt(reader, wish, commit)))
  const existed = new Set([
    ...before.flatMap(({ apps }) => [...apps.keys()]),
    ...held.filter(isApplication).map((one) => one.name),
  ])
  const fates = tracked.map((object) => ({ object, fate: fateOf(object, { now, before, existed }) }))
  const gone = fates.filter(({ fate }) => fate === 'removed').map(({ object }) => object)
  const history = new History(reader, head, wish.before[0])
  const removed = await Promise.all(
    gone.map(async (object) => ({ object, ...(await removalOf(object, history, { now, before })) })),
  )
  const restorable = new Map(removed.flatMap(({ files }) => files))
  const tree = await reader.at(head)
  for (const path of [...restorable.keys()]) if (tree.blob(path)) restorable.delete(path)
  const after = await desiredState(groundOf(reader, wish, withFiles(tree, restorable)), rootsOf(wish))
  const all: RemovedObject[] = removed.map(({ object, commit }) => ({ object, commit }))
  return {
    removed: [...all, ...goingAlong(all, held)],
    moved: fates.filter(({ fate }) => fate === 'moved').map(({ object }) => object),
    restorable,
    unrestorable: all.filter(({ object }) => fateOf(object, { now: after, before, existed }) === 'removed'),
  }
}

interface Views {
  now: DesiredState
  before: readonly DesiredState[]
}

/** What becomes of a tracked object once Argo CD has looked at Git. */
function fateOf(
  held: HeldObject,
  { now, before, existed }: Views & { existed: ReadonlySet<string> },
): 'stays' | 'moved' | 'removed' {
  const { app: name = '', stays } = held
  const found = findWanted(now, held)
  if (found) return found.app.name === name ? 'stays' : 'moved'
  if (stays) return 'stays'
  const stood = before.some((one) => findWanted(one, held))
  const earlier = before.flatMap(({ open }) => open.get(name) ?? [])
  const isOpenNow = (one: string) =>
    (now.open.get(one) ?? []).some((source) => earlier.length === 0 || earlier.includes(source))
  const app = now.apps.get(name)
  if (!app) {
    // The same source under another name brings it again.
    if (earlier.length > 0 && !stood && [...now.open.keys()].some(isOpenNow)) return 'moved'
    return existed.has(name) ? 'removed' : 'stays'
  }
  if (!app.prunes || now.broken.has(name)) return 'stays'
  return !stood && isOpenNow(name) ? 'stays' : 'removed'
}

/** What a namespace holds goes with it, and the objects of a kind with its definition, whoever made them. */
function goingAlong(removed: readonly RemovedObject[], held: readonly HeldObject[]): RemovedObject[] {
  const known = new Set(removed.map(({ object }) => object))
  const found: RemovedObject[] = []
  for (const { object: taker, commit } of removed)
    for (const object of held.filter((one) => !known.has(one) && takes(taker, one))) {
      known.add(object)
      found.push({ object, commit, with: `${taker.kind} ${taker.name}` })
    }
  return found
}

const takes = (taker: HeldObject, one: HeldObject) =>
  (taker.resource === 'namespaces' && one.namespace === taker.name) ||
  (taker.resource === 'customresourcedefinitions.apiextensions.k8s.io' && one.resource === taker.name)

async function wishAt(reader: RepositoryReader, wish: Comparison, commit: string): Promise<DesiredState> {
  return desiredState(groundOf(reader, wish, await reader.at(commit)), rootsOf(wish))
}

/** Applications made by hand come back as well, and have their say. */
function rootsOf({ roots, held }: Comparison): Application[] {
  const byHand = held
    .filter((one) => isApplication(one) && one.app === undefined)
    .flatMap(({ name, spec }) => applicationOf(name, spec, []) ?? [])
  return [...roots, ...byHand.filter((one) => !roots.some(({ name }) => name === one.name))]
}

function groundOf(
  reader: RepositoryReader,
  { github, place, branch }: Comparison,
  tree: RepositoryTree,
): RepositoryView {
  const isHere = (revision: string) =>
    ['main', 'refs/heads/main'].includes(revision === '' || revision === 'HEAD' ? branch : revision)
  const other = async (revision: string) => {
    const name =
      revision === '' || revision === 'HEAD' ? branch : revision.replace(/^refs\/(heads|tags)\//, '')
    const commit = /^[0-9a-f]{40}$/.test(name)
      ? name
      : ((await github.ref(place, `heads/${name}`)) ?? (await github.ref(place, `tags/${name}`)))
    // A tag may be an object of its own, which is no commit.
    return commit === undefined ? undefined : reader.at(commit).catch(() => undefined)
  }
  return { place, tree, isHere, other }
}

/** Which commit removed an object, and the files that a commit would have to bring back for it. */
async function removalOf(held: HeldObject, history: History, { now, before }: Views): Promise<Removal> {
  const name = held.app ?? ''
  const stood = before.map((one) => findWanted(one, held)).find((one) => one !== undefined)
  const app = before.map(({ apps }) => apps.get(name)).find((one) => one !== undefined)
  const isIt = (one: Described) => isThat(one, held, stood?.app.home ?? app?.home ?? '')
  const isApp = (one: Described) => isApplication(one) && one.name === name
  const [file, ...others] = stood?.files ?? []
  const [own, ...above] = app?.via ?? []
  const itself = file === undefined ? undefined : await history.removalFrom(file, isIt)
  const ofApp = own === undefined || now.apps.has(name) ? undefined : await history.removalFrom(own, isApp)
  const files = [itself, ofApp].flatMap((one) => (one ? [one.file] : []))
  const found = itself ?? ofApp
  if (found) return { commit: found.commit, files }
  // What led to the file was changed.
  for (const path of [...others, ...(own === undefined ? [] : [own]), ...above]) {
    const commit = await history.lastChange(path)
    if (commit) return { commit, files }
  }
  // Git had lost it when the backup was made, and Argo CD had not looked yet.
  const folder = now.apps.get(name)?.sources.find(({ path }) => path !== undefined)?.path
  const earlier = folder === undefined ? undefined : await history.removalFrom(folder, isIt, 30)
  return earlier ? { commit: earlier.commit, files: [earlier.file] } : { commit: undefined, files }
}

interface Removal {
  commit: RemovingCommit | undefined
  files: readonly OldFile[]
}

/** A file's path, and its text in the last commit that had it whole. */
type OldFile = readonly [path: string, text: string]

/** The commits that lead to the one that is compared with. */
class History {
  readonly #reader: RepositoryReader
  readonly #head: string
  readonly #before: string | undefined
  readonly #listed = new Map<string, Promise<ListedCommit[]>>()

  constructor(reader: RepositoryReader, head: string, before: string | undefined) {
    this.#reader = reader
    this.#head = head
    this.#before = before
  }

  #commits(path: string): Promise<ListedCommit[]> {
    const { github, place } = this.#reader
    const known = this.#listed.get(path) ?? github.commits(place, { from: this.#head, path })
    this.#listed.set(path, known)
    return known
  }

  /**
   * The newest commit that took something out of a file at or below the path, and that file as it had been.
   * @param most commits that are looked at
   */
  async removalFrom(
    path: string,
    isIt: (one: Described) => boolean,
    most = 100,
  ): Promise<{ commit: RemovingCommit; file: OldFile } | undefined> {
    const commits = (await this.#commits(path)).slice(0, most)
    for (const [at, commit] of commits.entries()) {
      const before = commits[at + 1]
      if (!before || (await this.#having(commit.sha, path, isIt))) return undefined
      const file = await this.#having(before.sha, path, isIt)
      if (file) return { commit: { ...commit, path: file[0] }, file }
    }
    return undefined
  }

  /** The newest commit that changed a file, if that is another than beside the backup. */
  async lastChange(path: string): Promise<RemovingCommit | undefined> {
    if (!this.#before) return undefined
    const [now, then] = await Promise.all([this.#head, this.#before].map((sha) => this.#reader.at(sha)))
    if (now?.blob(path) === then?.blob(path)) return undefined
    const [newest] = await this.#commits(path)
    return newest && { ...newest, path }
  }

  async #having(
    commit: string,
    path: string,
    isIt: (one: Described) => boolean,
  ): Promise<OldFile | undefined> {
    const tree = await this.#reader.at(commit)
    const inside = tree.paths().filter((one) => one === path || one.startsWith(`${path}/`))
    const texts = await tree.texts(inside.filter((one) => /\.(ya?ml|json)$/.test(one)))
    return [...texts].find(([, text]) => describedIn(text)?.some(isIt))
  }
}
