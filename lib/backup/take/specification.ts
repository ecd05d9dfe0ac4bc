import { z } from 'zod'
import { leftOutByVelero, noise, unboundClaims } from '../../cluster/backup-rules.ts'
import type { Lack } from '../backed.ts'

const names = z.array(z.string()).nullish()

/** What a Backup, or the template of a Schedule, asks for: every field that chooses (Velero's `backup_types.go`). */
export const specification = z.object({
  includedNamespaces: names,
  excludedNamespaces: names,
  includedResources: names,
  excludedResources: names,
  includedClusterScopedResources: names,
  excludedClusterScopedResources: names,
  includedNamespaceScopedResources: names,
  excludedNamespaceScopedResources: names,
  includeClusterResources: z.boolean().nullish(),
  labelSelector: z.unknown().optional(),
  orLabelSelectors: z.unknown().optional(),
  resourcePolicy: z.object({ name: z.string().default('') }).nullish(),
  snapshotVolumes: z.boolean().nullish(),
  snapshotMoveData: z.boolean().nullish(),
  defaultVolumesToFsBackup: z.boolean().nullish(),
  defaultVolumesToRestic: z.boolean().nullish(),
})
export type Specification = z.infer<typeof specification>

const asRegrow = 'Leave the choice out: Schedule daily, and a backup by hand, have everything.'

/**
 * What a specification leaves out that a whole backup has: nothing but {@link noise} may be left out, and everything
 * must be asked for, cluster-scoped objects by name too.
 */
export function narrowness(spec: Specification): Lack[] {
  const lacks: (string | false)[] = [
    only('namespaces', spec.includedNamespaces),
    without('namespaces', spec.excludedNamespaces),
    only('kinds', spec.includedResources),
    only('namespaced kinds', spec.includedNamespaceScopedResources),
    only('cluster-scoped kinds', spec.includedClusterScopedResources),
    without('kinds', loud(spec.excludedResources)),
    without('namespaced kinds', loud(spec.excludedNamespaceScopedResources)),
    without('cluster-scoped kinds', loud(spec.excludedClusterScopedResources)),
    // Not asked for, most of them stay out: those alone come along that something else names.
    spec.includeClusterResources !== true &&
      !spec.includedClusterScopedResources?.includes('*') &&
      'cluster-scoped objects are not asked for (includeClusterResources)',
    isSaid(spec.labelSelector) && 'only what its label selector chooses is in it',
    isSaid(spec.orLabelSelectors) && 'only what its label selectors choose is in it',
    spec.resourcePolicy != null &&
      !isHarmless(spec) &&
      `resource policy ${spec.resourcePolicy.name} decides which volumes are left out`,
    spec.snapshotVolumes === false && 'volumes are not saved (snapshotVolumes is false)',
    (spec.defaultVolumesToFsBackup === true || spec.defaultVolumesToRestic === true) &&
      'volumes are saved by file-system backup (defaultVolumesToFsBackup), which a restore cannot bring back',
    holdsUploads(spec) &&
      'uploads of other backups may be in it, which mislead Velero (datauploads.velero.io is not left out)',
  ]
  return lacks.filter((one) => one !== false).map((why) => ({ why, cure: asRegrow }))
}

/**
 * Whether its resource policy is the one that every backup names. What it does to volumes their bytes tell; beside the
 * older fields for kinds Velero refuses one that does anything else (`backup_controller.go`, v1.18.3).
 */
const isHarmless = ({ resourcePolicy, ...spec }: Specification) =>
  resourcePolicy?.name === unboundClaims &&
  (spec.includeClusterResources != null ||
    [...(spec.includedResources ?? []), ...(spec.excludedResources ?? [])].length > 0)

const only = (what: string, list: readonly string[] | null | undefined) =>
  list != null && list.length > 0 && !list.includes('*') && `only these ${what} are in it: ${list.join(', ')}`

const without = (what: string, list: readonly string[] | null | undefined) =>
  list != null && list.length > 0 && `these ${what} are left out: ${list.join(', ')}`

/** Whether it takes the uploads that it finds: Velero restores each, and refuses a claim that has two. */
const holdsUploads = (spec: Specification) =>
  !spec.excludedNamespaces?.includes('velero') &&
  !only('namespaces', spec.includedNamespaces) &&
  !only('kinds', spec.includedResources) &&
  !only('kinds', spec.includedNamespaceScopedResources) &&
  ![...(spec.excludedResources ?? []), ...(spec.excludedNamespaceScopedResources ?? [])].includes(
    'datauploads.velero.io',
  )

/** What of a list of kinds is more than noise. */
const loud = (list: readonly string[] | null | undefined) =>
  list?.filter((one) => !Object.hasOwn(noise, one) && !Object.hasOwn(leftOutByVelero, one))

/** Whether a selector chooses at all: an empty one takes everything. */
const isSaid = (selector: unknown): boolean => {
  if (Array.isArray(selector)) return selector.length > 0
  if (typeof selector !== 'object' || selector === null) return false
  return Object.values(selector).some((one) => Object.keys(one ?? {}).length > 0)
}
