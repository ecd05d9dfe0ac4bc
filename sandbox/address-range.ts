import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** HTTP clients keep connections: a later world of this process on the same range would meet dead ones. */
const drawn = new Set<string>()

/**
 * Draws a range of loopback addresses for one world or one control plane.
 *
 * @returns the first two bytes (`127.35`) and what gives the range back; until then nobody else draws it, in this process
 * or another. Undefined where only 127.0.0.1 can be bound.
 */
export async function drawRange(): Promise<{ range: string; release: () => Promise<void> } | undefined> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const range = `127.${randomInt(16, 250)}`
    if (drawn.has(range)) continue
    // Two processes may draw the same range at once: who binds this address has it.
    const release = await bind(`${range}.0.6`, 8000)
    if (!release) continue
    drawn.add(range)
    if (await isFree(range)) return { range, release }
    await release()
  }
  return undefined
}

/** Whether no other world listens there; not every world has all four services. */
async function isFree(range: string): Promise<boolean> {
  for (const last of [2, 3, 4, 5]) if (!(await canBind(`${range}.0.${last}`, 8000))) return false
  return true
}

/** Whether this address and port are free at the moment. */
export async function canBind(host: string, port: number): Promise<boolean> {
  const release = await bind(host, port)
  await release?.()
  return release !== undefined
}

/** @returns what gives the address back; undefined when somebody else has it */
function bind(host: string, port: number): Promise<(() => Promise<void>) | undefined> {
  return new Promise((resolve) => {
    const server = createServer().unref()
    server.once('error', () => resolve(undefined))
    server.listen(port, host, () => resolve(() => new Promise((done) => server.close(() => done()))))
  })
}
