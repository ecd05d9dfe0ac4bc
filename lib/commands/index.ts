// What flows use of this folder.

export { nameBucketsThere } from './destroy/buckets-there.ts'
export { drillIsLeft } from './destroy/drill-left.ts'
export { removal, removalOutcome } from './destroy/removal.ts'
export {
  removeBuckets,
  removeCloud,
  removeLeftBundles,
  removeRepository,
  whatIsLeft,
} from './destroy/remove.ts'
export { adoptingFlags, askingFlags, clusterFlags, ownVersion, unknown } from './flags.ts'
export { explain, run } from './run.ts'
export { attentionOf, stateOf } from './status/condition.ts'
export { existing } from './status/existing.ts'
export { changesOf, statusOutcome } from './status/status.ts'
export { ensureTools } from './tools/ensure-tools.ts'
export { installTools, namedTools } from './tools/install.ts'
