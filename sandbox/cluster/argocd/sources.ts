import { posix } from 'node:path'
import { load } from 'js-yaml'
import type { Cluster } from '../cluster.ts'
import { listAt, type Thing, type Tree, textAt, textsAt, treeAt } from '../tree.ts'
import { renderChart, renderFolder } from './chart.ts'
import { kustomizationIn, kustomize } from './kustomize.ts'
import { manifests } from './manifests.ts'

type Files = ReadonlyMap<string, string>

/** What an Application's sources give: the objects wanted, and the revision of each source. */
export interface Rendered {
  objects: Tree[]
  revisions: string[]
}

/** The sources of an Application, one or several. */
export function sourcesOf({ spec }: Thing): Tree[] {
  const several = listAt(spec, 'sources')
  return several.length > 0 ? several : [treeAt(spec, 'source')]
}

/** Reads and renders the sources of Applications; what was rendered once from the same revisions is kept. */
export class Sources {
  readonly #cluster: Cluster
  readonly #rendered = new Map<string, { key: string; objects: Tree[] }>()
  readonly #files = new Map<string, Promise<Files>>()

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /**
   * @param pinned the revision of each source; by default those at which they stand now
   * @throws Error with the reason for the Application's ComparisonError
   */
  async render(app: Thing, hard: boolean, pinned?: readonly string[]): Promise<Rendered> {
    const name = `${app.metadata.name} ${pinned ? 'pinned' : 'now'}`
    const sources = sourcesOf(app)
    const revisions = pinned ? [...pinned] : await this.revisions(app)
    const key = JSON.stringify([revisions, app.spec])
    const kept = this.#rendered.get(name)
    if (kept?.key === key && !hard) return { objects: kept.objects, revisions }
    const files = await Promise.all(
      sources.map((source, index) => this.#filesOf(source, revisions[index] ?? '')),
    )
    const all = await Promise.all(
      sources.map((source, index) =>
        this.#objects(app, source, files[index], (ref) => files[refIndex(sources, ref)]),
      ),
    )
    this.#rendered.set(name, { key, objects: all.flat() })
    return { objects: all.flat(), revisions }
  }

  /** The revision at which each source stands now. */
  revisions(app: Thing): Promise<string[]> {
    return Promise.all(sourcesOf(app).map((source) => this.revision(source)))
  }

  /** The commit that a source stands at now; of a chart its version. */
  async revision(source: Tree): Promise<string> {
    const url = textAt(source, 'repoURL')
    const wanted = textAt(source, 'targetRevision') || 'HEAD'
    return source.chart ? wanted : this.#cluster.repositories.head(url, this.#key(url), wanted)
  }

  #filesOf(source: Tree, commit: string): Promise<Files | undefined> {
    if (source.chart) return Promise.resolve(undefined)
    const url = textAt(source, 'repoURL')
    const at = `${url}@${commit}`
    const kept = this.#files.get(at) ?? this.#cluster.repositories.files(url, this.#key(url), commit)
    this.#files.clear()
    this.#files.set(at, kept)
    kept.catch(() => this.#files.delete(at))
    return kept
  }

  /** The private key in the repository Secret for this address. */
  #key(url: string): string {
    const bare = (address: string) => address.replace(/\.git$/, '')
    const decoded = (secret: Thing, field: string) =>
      Buffer.from(textAt(secret, 'data', field), 'base64').toString()
    const secret = this.#cluster.store
      .list('Secret', 'argocd')
      .filter((one) => one.metadata.labels?.['argocd.argoproj.io/secret-type'] === 'repository')
      .find((one) => bare(decoded(one, 'url')) === bare(url))
    if (!secret)
      throw new Error(
        `error creating SSH agent: "SSH agent requested but SSH_AUTH_SOCK not-specified": there is no repository Secret for ${url}`,
      )
    return decoded(secret, 'sshPrivateKey')
  }

  async #objects(
    app: Thing,
    source: Tree,
    files: Files | undefined,
    filesOf: (ref: string) => Files | undefined,
  ): Promise<Tree[]> {
    const namespace = textAt(app, 'spec', 'destination', 'namespace')
    const { world } = this.#cluster
    if (source.chart || !files) {
      checkValues(source, '', undefined, filesOf)
      return renderChart(world, {
        repository: textAt(source, 'repoURL'),
        chart: textAt(source, 'chart'),
        version: textAt(source, 'targetRevision'),
        release: textAt(source, 'helm', 'releaseName') || app.metadata.name,
        namespace,
      })
    }
    if (source.path === undefined && source.ref) return []
    const path = posix.normalize(textAt(source, 'path') || '.').replace(/\/$/, '')
    const inside = [...files.keys()].filter((file) => path === '.' || file.startsWith(`${path}/`))
    if (inside.length === 0) throw new Error(`${path}: app path does not exist`)
    // Settings for helm say what it is (util/app/discovery and ApplicationSource.ExplicitType of Argo CD 3.5).
    const kustomization = source.helm ? undefined : kustomizationIn(files, path)
    if (kustomization) return kustomize(world, files, kustomization)
    if (source.helm || files.has(posix.join(path, 'Chart.yaml'))) {
      checkValues(source, path, files, filesOf)
      return renderFolder(files, path, {
        release: textAt(source, 'helm', 'releaseName') || app.metadata.name,
        namespace,
      })
    }
    return directory(files, path, treeAt(source, 'directory'))
  }
}

function refIndex(sources: Tree[], ref: string): number {
  return sources.findIndex((one) => one.ref === ref)
}

/** Values are not used by the box's charts, but files that are named must be there and be YAML. */
function checkValues(
  source: Tree,
  folder: string,
  own: Files | undefined,
  filesOf: (ref: string) => Files | undefined,
): void {
  for (const file of textsAt(source, 'helm', 'valueFiles')) {
    const [, ref, path = ''] = file.match(/^\$([^/]+)\/(.*)$/) ?? []
    // Without a reference it is a path from the chart's folder, or with a slash in front from the repository's.
    const text = ref
      ? filesOf(ref)?.get(path)
      : own?.get(file.startsWith('/') ? file.slice(1) : posix.join(folder, file))
    if (text === undefined)
      throw new Error(`failed to resolve values file ${file}: no such file or directory`)
    load(text)
  }
}

function directory(files: Files, path: string, options: Tree): Tree[] {
  const from = path === '.' ? '' : `${path}/`
  const included = glob(textAt(options, 'include') || '*')
  const excluded = textAt(options, 'exclude') ? glob(textAt(options, 'exclude')) : undefined
  const names = [...files.keys()]
    .filter((file) => file.startsWith(from))
    .map((file) => file.slice(from.length))
  return names
    .filter((name) => /\.(ya?ml|json)$/.test(name) && (options.recurse === true || !name.includes('/')))
    .filter((name) => included.test(name) && !excluded?.test(name))
    .sort()
    .flatMap((name) => {
      const text = files.get(from + name) ?? ''
      return text.includes('+argocd:skip-file-rendering') ? [] : manifests(from + name, text)
    })
}

/** As Argo CD's globs: `*` goes across folders, `{a,b}` is a choice. */
function glob(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^$()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replace(/\?/g, '.')
    .replace(/{([^}]*)}/g, (_, choices: string) => `(${choices.split(',').join('|')})`)
  return new RegExp(`^${source}$`)
}
