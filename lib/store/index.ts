// What flows use of this folder.

export { keysAreLeft, needBuckets, openBuckets } from './buckets.ts'
export { bundlesAreLeft } from './bundles.ts'
export { damagedNotes } from './damaged.ts'
export { needKit } from './kit.ts'
export { operatorGroup } from './operators.ts'
export { daysNoted } from './past.ts'
export { keepUpstream, keptUpstream, wrongCopies } from './upstream.ts'
