import type { Problem } from '../../base/problem.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { Inventory } from '../../cluster/ours.ts'

/** Looks for what would fail later, in what is wanted and what exists. */
export type Check = (cluster: Cluster, own: Inventory) => Promise<(Problem | undefined)[]>
