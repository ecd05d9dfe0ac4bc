// What flows use of this folder.

export { accountOf, describe } from './cluster.ts'
export { faultsOf } from './faults.ts'
export { lockHolder } from './lock.ts'
export { inventory, ownSnapshots } from './ours.ts'
