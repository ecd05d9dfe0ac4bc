/** A way of breaking the code that matters, and the test file that must turn red. */
export interface Mutant {
  name: string
  file: string
  from: string
  to: string
  test: string
}

/**
 * A text of a file, and what stands there instead; the test is named by its path, without `test/` and its ending. Those of
 * the package are `cloud-init/NAME`.
 */
export const mutant = (name: string, file: string, from: string, to: string, test: string): Mutant => ({
  name,
  file,
  from,
  to,
  test: `${test.startsWith('cloud-init/') ? test.replace('/', '/test/') : `test/${test}`}.test.ts`,
})
