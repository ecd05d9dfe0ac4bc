import { Problem } from '#cloud-init/problem.ts'

export { Problem } from '#cloud-init/problem.ts'

/** Several expected failures found together, told one below the other. */
export class Problems extends Problem {
  readonly all: readonly Problem[]

  constructor(all: readonly Problem[]) {
    super(`${all.length} problem${all.length === 1 ? '' : 's'} found`, {
      exitCode: all.some((one) => one.exitCode === 2) ? 2 : 1,
    })
    this.all = all
  }
}
