import type { Cluster } from '../cluster/cluster.ts'
import type { Inventory } from '../cluster/ours.ts'
import type { Problem } from '../problem.ts'

/** Looks for what would fail later, in what is wanted and what exists. */
export type Check = (cluster: Cluster, own: Inventory) => Promise<(Problem | undefined)[]>
