import type { Wanted } from './api.ts'
import type { Thing } from './things.ts'

/** A cluster and its fate, as data: what a failing one is shrunk to, and printed as. */
export interface Scene {
  /** Files of the GitOps repository by their path, each with the objects in it. */
  git?: Record<string, readonly Thing[]>
  /** Objects made by hand, in this order; after Git's. */
  hand?: readonly Thing[]
  /** Namespaces whose pods start anew then: a program there reads what was made only when it starts. */
  restarted?: readonly string[]
  /** Changes by hand, to Git's objects too. */
  patches?: readonly [of: Wanted, change: object][]
  /** What programs wrote into volumes: by claim (`namespace/name`) and file. */
  bytes?: Record<string, Record<string, string>>
  /** Deletions by hand before the backup; what has a finalizer stays on its way out. */
  removed?: readonly Wanted[]
  /** By `scripts/backup.mts`, or as Velero makes it from the Schedule. */
  backup?: 'hand' | 'schedule'
  /** What happens between backup and restore. */
  after?: readonly Step[]
  /** Further flags of the restore. */
  flags?: readonly string[]
  /** The restore is killed at its nth request, and run again. */
  killAt?: number
  /** The same command once more after it ended. */
  again?: boolean
  /** The commits after the backup are reverted by the restore. */
  reverted?: boolean
  /** What the person lets go by a flag: `persistentvolumeclaims shop/ledger`. */
  dropped?: readonly string[]
}

/** One thing that happens. */
export type Step =
  | readonly ['power-off']
  /** Every droplet and every volume of the cluster is deleted. */
  | readonly ['wipe']
  | readonly ['git', Record<string, readonly Thing[] | undefined>]
  | readonly ['remove', Wanted]

/** Where the person's own manifests lie. */
export const app = (path: string) => `clusters/main/apps/${path}`
