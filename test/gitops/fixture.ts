import { load, loadAll } from 'js-yaml'
import { renderRepository } from '../../lib/gitops/render.ts'
import type { RepositoryValues } from '../../lib/gitops/schema.ts'

/** Values of an ordinary cluster with a domain. */
export const ordinary: RepositoryValues = {
  cluster: 'main',
  owner: 'alice',
  repository: 'regrow-main',
  sshUrl: 'git@github.com:alice/regrow-main.git',
  region: 'fra1',
  tag: 'regrow:main',
  address: '203.0.113.7',
  domain: 'example.org',
  acmeEmail: 'alice@example.org',
  bucket: {
    name: 'regrow-main-0123456789-velero',
    region: 'fra1',
    endpoint: 'https://fra1.digitaloceanspaces.com',
  },
  backups: { schedule: '17 3 * * *', ttl: '720h', volumes: 's3' },
  versions: {},
  podCidr: '10.42.0.0/16',
}

/** The same without what a person may leave out, and with the other kind of volumes. */
export const bare: RepositoryValues = (() => {
  const { domain: _, acmeEmail: __, address: ___, ...rest } = ordinary
  return { ...rest, backups: { ...rest.backups, volumes: 'snapshot' } }
})()

/** A parsed YAML mapping, for looking into. */
export type Tree = Record<string, unknown>

/** One file of a rendered repository, parsed. */
export function file(values: RepositoryValues, path: string): Tree {
  const text = renderRepository(values)[path]
  if (text === undefined) throw new Error(`no file ${path}`)
  return load(text) as Tree
}

/** All documents of all YAML files, each with the path of its file. */
export function documents(values: RepositoryValues): { path: string; tree: Tree }[] {
  return Object.entries(renderRepository(values))
    .filter(([path]) => path.endsWith('.yaml'))
    .flatMap(([path, text]) => loadAll(text).map((tree) => ({ path, tree: tree as Tree })))
}

/** Every value below a tree with its path, such as `spec.sources.0.chart`. */
export function leaves(tree: unknown, at: string[] = []): { at: string; value: unknown }[] {
  if (tree === null || typeof tree !== 'object') return [{ at: at.join('.'), value: tree }]
  return Object.entries(tree).flatMap(([key, value]) => leaves(value, [...at, key]))
}

/** The JSON patches of the CSI driver's kustomization, by the name of what they change. */
export function patches(values: RepositoryValues): { name: string; ops: PatchOp[] }[] {
  const kustomization = file(
    values,
    `clusters/${values.cluster}/platform/csi-driver/kustomization.yaml`,
  ) as unknown as {
    patches: { target: { name: string }; patch: string }[]
  }
  return kustomization.patches.map(({ target, patch }) => ({
    name: target.name,
    ops: load(patch) as PatchOp[],
  }))
}

/** One operation of a JSON patch (RFC 6902). */
export interface PatchOp {
  op: string
  path: string
  value?: unknown
}
