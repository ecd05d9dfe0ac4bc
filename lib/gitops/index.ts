// What flows use of this folder.

export { claim, lockForRemoval } from './claim.ts'
export { sealSecrets } from './sealing.ts'
