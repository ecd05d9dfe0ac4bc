import { z } from 'zod'
import type { Place } from '../clients/github.ts'
import { chartOfCopy } from './copies.ts'
import { groupOf } from './held.ts'

const options = z
  .looseObject({
    recurse: z.boolean().default(false),
    include: z.string().default(''),
    exclude: z.string().default(''),
  })
  .optional()

const source = z.looseObject({
  repoURL: z.string().default(''),
  targetRevision: z.string().default(''),
  path: z.string().optional(),
  chart: z.string().optional(),
  directory: options,
  kustomize: z
    .looseObject({
      namespace: z.string().default(''),
      namePrefix: z.string().default(''),
      nameSuffix: z.string().default(''),
    })
    .optional(),
  helm: z.looseObject({}).optional(),
  plugin: z.looseObject({}).optional(),
})
/** Where an Application takes its objects from. */
export type Source = z.infer<typeof source>

const application = z.looseObject({
  destination: z.looseObject({ namespace: z.string().default('') }).prefault({}),
  source: source.optional(),
  sources: z.array(source).default([]),
  syncPolicy: z
    .looseObject({
      automated: z
        .looseObject({ prune: z.boolean().default(false), enabled: z.boolean().default(true) })
        .nullish(),
    })
    .nullish(),
})

/** An Argo CD Application, as far as it decides what Git wants. */
export interface Application {
  name: string
  /** The namespace of what names none itself. */
  home: string
  sources: Source[]
  /** Whether Argo CD removes by itself what Git has no longer. */
  prunes: boolean
  /** The files in Git that lead to it, its own first; none for what regrow applies or a person made by hand. */
  via: readonly string[]
}

/** Reads an Application's specification; undefined when it is none. */
export function applicationOf(name: string, spec: unknown, via: readonly string[]): Application | undefined {
  const read = application.safeParse(spec)
  if (!read.success) return undefined
  const { destination, source: one, sources, syncPolicy } = read.data
  const automated = syncPolicy?.automated
  return {
    name,
    home: destination.namespace,
    sources: sources.length > 0 ? sources : one ? [one] : [],
    prunes: automated?.prune === true && automated.enabled,
    via,
  }
}

/** Whether something is an Argo CD Application. */
export const isApplication = ({ group, kind }: { group: string; kind: string }): boolean =>
  group === groupOf('argoproj.io/v1alpha1') && kind === 'Application'

/** Whether a source lies in this repository, by whichever of its addresses. */
export function isIn({ repoURL }: Source, { owner, name }: Place): boolean {
  const path = /^(?:https?:\/\/|ssh:\/\/)?(?:[^@/]*@)?[^/:]+(?::\d+)?[/:](.*?)(?:\.git)?\/?$/.exec(
    repoURL,
  )?.[1]
  return path?.toLowerCase() === `${owner}/${name}`.toLowerCase()
}

/**
 * Names a source whose objects cannot be told from its files: the same name means the same objects. A chart is the same
 * wherever it lies: its repository may have moved, or its copy may be in Git.
 */
export function nameOf({ repoURL, path = '', chart = chartOfCopy(path) }: Source): string {
  return chart === undefined ? `${repoURL} ${path}` : `chart ${chart}`
}
