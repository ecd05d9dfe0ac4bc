// What flows use of this folder.

export { cloudTime } from './clock.ts'
