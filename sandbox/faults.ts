/** What goes wrong with one request: a status, a cut connection before or after the effect, silence or slowness. */
export type FaultKind = '429' | '500' | '503' | 'cut-before' | 'cut-after' | 'timeout' | 'slow'

/** Which request is hit: the `nth` (from 1) that matches service, method and path. `times` in a row, 1 by default. */
export interface Fault {
  kind: FaultKind
  service?: string | undefined
  method?: string | undefined
  /** A regular expression on path and query. */
  path?: string | undefined
  nth?: number | undefined
  times?: number | undefined
  /** Done as it hits, before or after the request's effect, in the process that runs the world. */
  act?: (() => void) | undefined
}

/** The faults that a world was asked for; `take` says which of them hits this request, if any. */
export class Faults {
  #faults: { fault: Fault; seen: number }[] = []

  constructor(faults: readonly Fault[] = []) {
    this.replace(faults)
  }

  /** From now on these go wrong, counted from here. */
  replace(faults: readonly Fault[]): void {
    this.#faults = faults.map((fault) => ({ fault, seen: 0 }))
  }

  take(service: string, method: string, path: string): Fault | undefined {
    let hit: Fault | undefined
    for (const entry of this.#faults) {
      const { fault } = entry
      if (fault.service && fault.service !== service) continue
      if (fault.method && fault.method !== method) continue
      if (fault.path && !new RegExp(fault.path).test(path)) continue
      entry.seen++
      const first = fault.nth ?? 1
      if (entry.seen >= first && entry.seen < first + (fault.times ?? 1)) hit = fault
    }
    return hit
  }
}
