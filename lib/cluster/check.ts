import type { Problem } from '../problem.ts'
import type { Cluster } from './cluster.ts'
import type { Inventory } from './ours.ts'

/** Looks for what would fail later, in what is wanted and what exists. */
export type Check = (cluster: Cluster, own: Inventory) => Promise<(Problem | undefined)[]>
