import { readFileSync } from 'node:fs'
import t from 'tap'
import { bootstrap } from '../../faults/flows.ts'
import { killedAt, troubledBy, undisturbed } from '../../faults/harness.ts'
import { type Point, tellPoint } from '../../faults/points.ts'

// A spread of what test/real/faults does everywhere: SIMULATED clouds, real processes and real kills.

const expected = await undisturbed(bootstrap)
const point = (method: string, path: string): Point => {
  const found = expected.points.find((one) => one.method === method && tellPoint(one).includes(path))
  if (!found) throw new Error(`no run asks for ${method} ${path} any more`)
  return found
}

t.test('killed right after the droplet was bought, the next run finishes with that one', async (t) => {
  const broken = await killedAt(bootstrap, point('POST', '/v2/droplets'), 'after', expected)
  t.equal(broken.first.signal, 'SIGKILL')
  t.equal(broken.second?.code, 0, broken.second?.err.slice(-200) ?? '')
  t.same(broken.differences, [])
  t.same(broken.touched, [], 'nothing foreign was touched')
  t.notOk(broken.kitReplaced)
})

t.test('the answer to a bought address is lost: there is one, and it is used', async (t) => {
  const broken = await troubledBy(
    bootstrap,
    { kind: 'cut-after', point: point('POST', '/v2/reserved_ips') },
    expected,
  )
  t.ok(broken.hit)
  t.equal(broken.first.code, 0, broken.first.err.slice(-200))
  t.same(broken.differences, [])
  t.same(broken.touched, [])
})

t.test('what may differ between equal worlds is said in at most 40 lines', (t) => {
  const lines = readFileSync(new URL('../../faults/normaliser.ts', import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^\s*(\/\/|\/?\*)/.test(line))
  t.ok(lines.length <= 40, `${lines.length} lines`)
  t.end()
})
