// What flows use of this folder.

export { growFirstServer } from './first/grow.ts'
export {
  forgetRestorations,
  noRestoreUnderWay,
  restorations,
  unfinishedRestore,
} from './first/restoration.ts'
export { reviveFirstServer } from './first/revive.ts'
export { addressOf } from './foundation/address.ts'
export { ensureFoundation } from './foundation/foundation.ts'
export { plan } from './preflight/plan.ts'
export { preflight, preflightReading } from './preflight/preflight.ts'
export { disksFit, isDescribed, machinesAreKnown } from './scale/checks.ts'
export { convertToEtcd, withdrawConversion } from './scale/convert.ts'
export { growOthers } from './scale/grow-others.ts'
export { joinAll } from './scale/join-all.ts'
export { bury, leave } from './scale/leave.ts'
export { scalePlan } from './scale/plan.ts'
export { prepareScale } from './scale/prepare.ts'
export { reach } from './scale/reach.ts'
export { resize } from './scale/resize.ts'
export { readWish, secondsOf } from './scale/wish.ts'
