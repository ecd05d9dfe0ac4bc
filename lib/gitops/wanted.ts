import { posix } from 'node:path'
import { Problem } from '../base/problem.ts'
import type { Place } from '../clients/github.ts'
import { type Application, applicationOf, isApplication, isIn, nameOf, type Source } from './application.ts'
import { glob } from './glob.ts'
import type { HeldObject } from './held.ts'
import { kustomizationIn, kustomized, type Placed, renamed } from './kustomization.ts'
import { describedIn, isThat } from './manifest-files.ts'
import type { RepositoryTree } from './repository-tree.ts'

/** An object that Git wants, by the Application that brings it. */
export interface Wanted extends Placed {
  app: Application
}

/** What a repository wants at one commit. */
export interface DesiredState {
  apps: ReadonlyMap<string, Application>
  wanted: readonly Wanted[]
  /** By Application: the sources whose objects cannot all be told from files (charts, other repositories, …). */
  open: ReadonlyMap<string, readonly string[]>
  /** Applications with a file that cannot be read: Argo CD then changes nothing of them. */
  broken: ReadonlySet<string>
}

/** Where a wish is read. */
export interface RepositoryView {
  place: Place
  tree: RepositoryTree
  /** The files of another branch, tag or commit of the repository; undefined where it cannot be had. */
  other: (revision: string) => Promise<RepositoryTree | undefined>
  /** Which revisions of sources are this tree. */
  isHere: (revision: string) => boolean
}

/** How many Applications a repository may have: whoever writes to it could name any number of them. */
const mostApplications = 1000

/**
 * Goes through the Applications from the given ones down, each with all files of its sources.
 * @throws Problem when there are more than anybody has
 */
export async function desiredState(
  ground: RepositoryView,
  roots: readonly Application[],
): Promise<DesiredState> {
  const apps = new Map(roots.map((one) => [one.name, one]))
  const open = new Map<string, string[]>()
  const broken = new Set<string>()
  const wanted: Wanted[] = []
  // Grows while it is gone through.
  for (const app of apps.values()) {
    for (const source of app.sources) {
      const found = await objectsOf(ground, source)
      if (found.isOpen) open.set(app.name, [...(open.get(app.name) ?? []), nameOf(source)])
      if (found.isBroken) broken.add(app.name)
      for (const placed of found.objects) {
        wanted.push({ ...placed, app })
        if (!isApplication(placed.one) || apps.has(placed.one.name)) continue
        if (apps.size >= mostApplications)
          throw new Problem(
            `${ground.place.owner}/${ground.place.name} names more than ${mostApplications} Applications`,
            { cure: `Look at ${placed.files.join(', ')}, and revert the commit that added them.` },
          )
        const inner = applicationOf(placed.one.name, placed.one.spec, [...placed.files, ...app.via])
        if (inner) apps.set(inner.name, inner)
      }
    }
  }
  return { apps, wanted, open, broken }
}

/** Where Git wants an object; by its own Application, if more than one does. */
export function findWanted({ wanted }: DesiredState, held: HeldObject): Wanted | undefined {
  const all = wanted.filter(({ one, app }) => isThat(one, held, app.home))
  return all.find(({ app }) => app.name === held.app) ?? all[0]
}

interface Found {
  objects: Placed[]
  isOpen?: boolean
  isBroken?: boolean
}

async function objectsOf(ground: RepositoryView, source: Source): Promise<Found> {
  const { path, chart, directory, helm, plugin, kustomize } = source
  if (chart !== undefined || !isIn(source, ground.place)) return { objects: [], isOpen: true }
  // A source of values for a chart.
  if (path === undefined) return { objects: [] }
  const tree = ground.isHere(source.targetRevision) ? ground.tree : await ground.other(source.targetRevision)
  if (!tree) return { objects: [], isOpen: true }
  const folder = posix.normalize(path).replace(/\/$/, '')
  const isDirectory = directory && (directory.recurse || directory.include || directory.exclude)
  if (isDirectory) return filesOf(tree, folder, directory)
  if (helm || plugin || tree.blob(posix.join(folder, 'Chart.yaml'))) return { objects: [], isOpen: true }
  const file = kustomizationIn(tree, folder)
  if (!file) return filesOf(tree, folder, directory)
  const named = { namespace: '', namePrefix: '', nameSuffix: '', ...kustomize }
  const objects = await kustomized(tree, file)
  return { objects: objects.map(({ one, files }) => ({ one: renamed(one, named), files })), isOpen: true }
}

async function filesOf(tree: RepositoryTree, folder: string, options: Source['directory']): Promise<Found> {
  const { recurse = false, include = '', exclude = '' } = options ?? {}
  const from = folder === '.' ? '' : `${folder}/`
  const only = glob(include || '*')
  const but = exclude ? glob(exclude) : undefined
  const paths = tree
    .paths()
    .filter((path) => path.startsWith(from) && /\.(ya?ml|json|jsonnet)$/.test(path))
    .filter((path) => recurse || !path.slice(from.length).includes('/'))
    .filter((path) => {
      const name = path.slice(from.length)
      return only.test(name) && !but?.test(name)
    })
  const isOpen = paths.some((path) => path.endsWith('.jsonnet'))
  const texts = await tree.texts(paths.filter((path) => !path.endsWith('.jsonnet')))
  const read = [...texts].map(([path, text]) => ({ path, described: describedIn(text) }))
  return {
    objects: read.flatMap(({ path, described = [] }) => described.map((one) => ({ one, files: [path] }))),
    isOpen,
    isBroken: read.some(({ described }) => described === undefined),
  }
}
