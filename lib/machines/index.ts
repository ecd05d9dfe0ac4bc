// What flows use of this folder.

export { ensureFirstServer } from './first/grow.ts'
export {
  assertNoRestore,
  forgetRestorations,
  restorations,
  unfinishedRestore,
} from './first/restoration.ts'
export { repairFirstServer } from './first/revive.ts'
export { addressOf } from './foundation/address.ts'
export { ensureFoundation } from './foundation/foundation.ts'
export { plan } from './preflight/plan.ts'
export { preflight, preflightReading } from './preflight/preflight.ts'
export { disksFit, isDescribed, machinesAreKnown } from './scale/checks.ts'
export { convertToEtcd, withdrawConversion } from './scale/convert.ts'
export { ensureOtherMachines } from './scale/grow-others.ts'
export { joinAll } from './scale/join-all.ts'
export { removeLost, removeMachine } from './scale/leave.ts'
export { scalePlan } from './scale/plan.ts'
export { prepareScale } from './scale/prepare.ts'
export { reach } from './scale/reach.ts'
export { readRequest, secondsOf } from './scale/request.ts'
export { resize } from './scale/resize.ts'
