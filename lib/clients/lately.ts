import { holdsSince } from '../base/change.ts'

/** What a client was told: when it was asked (by `performance.now()`), and the answer. */
interface Told {
  at: number
  answer: Promise<unknown>
}

const memories = new WeakMap<object, Map<string, Told>>()

/**
 * The same client, whose answers may have been asked for already, but not before a moment: who look at one thing within one
 * phase share the answer. What is missing in it may be there by now, so nothing is made or removed on its word alone.
 * @param since by `performance.now()`
 */
export function asOf<Client extends object>(client: Client, since: number): Client {
  const memory = memories.get(client) ?? new Map<string, Told>()
  memories.set(client, memory)
  return new Proxy(client, {
    get: (looks, name) => {
      const ask: unknown = Reflect.get(looks, name)
      if (typeof ask !== 'function') return ask
      return (...words: unknown[]): unknown => {
        const question = JSON.stringify([name, ...words])
        const before = memory.get(question)
        if (before && before.at >= since) return before.answer
        const at = performance.now()
        const answer: unknown = ask.apply(looks, words)
        if (!(answer instanceof Promise)) return answer
        const told = { at, answer }
        memory.set(question, told)
        // A failure is told to those who wait for it, and to nobody later.
        answer.catch(() => {
          if (memory.get(question) === told) memory.delete(question)
        })
        return answer
      }
    },
  })
}

/** The same client, which need not ask for what it was told of late, and this run has not changed since. */
export const lately = <Client extends object>(client: Client): Client => asOf(client, holdsSince())
