/** Something that the harness does again and again until it is stopped; what goes wrong is told and tried again. */
export class Loop {
  readonly #what: string
  readonly #act: () => Promise<void>
  #timer: NodeJS.Timeout | undefined
  #work: Promise<unknown> = Promise.resolve()
  #stopped = false

  constructor(what: string, act: () => Promise<void>) {
    this.#what = what
    this.#act = act
    this.#again()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#work
  }

  #again(): void {
    this.#work = this.#act()
      .catch((error: Error) => process.stderr.write(`! ${this.#what}: ${error.message}\n`))
      .finally(() => {
        if (!this.#stopped) this.#timer = setTimeout(() => this.#again(), 300)
      })
  }
}
