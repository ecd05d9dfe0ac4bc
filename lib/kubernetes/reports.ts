import { installSteps, type Report, type Step } from '#cloud-init/index.ts'
import { again } from '../base/hint.ts'
import { Problem } from '../base/problem.ts'
import { redact } from '../base/secret.ts'
import { tell } from '../base/story.ts'
import type { Buckets } from '../store/buckets.ts'
import { readReport } from '../store/nodes.ts'

/** Seconds that a machine has from its order to its last step, longer than the deadlines of its steps together. */
export const installDeadline = 1800

/** Seconds after which a machine of which nothing was heard has given up: its first script tries for ten minutes. */
export const silenceDeadline = 900

/** Tells each report of a node once, and throws for one that says failed. */
export class Reports {
  readonly #buckets: Buckets
  readonly #node: string
  readonly #steps: Step[]
  readonly #told = new Set<Step>()
  last = 'nothing was heard from it'
  /** Whether not even its first report came. */
  silent = true

  constructor(buckets: Buckets, node: string, role: 'first-server' | 'server' | 'agent') {
    this.#buckets = buckets
    this.#node = node
    this.#steps = installSteps(role)
  }

  /** Whether the last step is done. */
  get finished(): boolean {
    return this.#steps.every((step) => this.#told.has(step))
  }

  /** Reads what is new. @throws Problem with the step that failed, its cause in plain words and the log's end */
  async follow(): Promise<void> {
    // Until the bundle is there the node has one URL only: where the fetch failed, so did the start.
    const waiting = this.#steps.filter((step) => !this.#told.has(step))
    if (waiting[0] === 'fetch') await this.#read('started')
    for (const step of waiting) if (!(await this.#read(step))) return
  }

  async #read(step: Step): Promise<boolean> {
    const report = await readReport(this.#buckets.kit, this.#node, step)
    if (report) this.#hear(report)
    return report !== undefined
  }

  #hear(report: Report): void {
    if (report.state === 'failed') throw failed(this.#node, report)
    if (this.#told.has(report.step)) return
    this.#told.add(report.step)
    this.silent = false
    this.last = `its last report was “${report.step}”`
    tell('+', `${this.#node}: ${report.step}`, report.simulated ? 'simulated' : '', report.seconds)
  }
}

/** A node's step that failed, as the person reads it. */
function failed(node: string, report: Report): Problem {
  const log = report.log ? `\n    ${redact(report.log).trim().split('\n').slice(-12).join('\n    ')}` : ''
  // A node that has no bundle yet has one URL only.
  const step = report.step === 'started' ? 'fetch' : report.step
  return new Problem(`step “${step}” of ${node} failed: ${report.message}${log}`, {
    cure: `Fix the cause; the node tries again by itself after a reboot. Then run ${again()}.`,
  })
}
