// Cuts the power at random moments while machines install themselves, and writes what was seen into docs/power-cuts.json:
// each machine is cut up to five times, each time somewhere within six times as long as its first start took, and has to
// be complete in the end. What was seen so far is kept, so that a run that was ended goes on.
// Usage: npm run test:power [-- MOMENTS], 20 unless said.
import { randomInt } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { acceleration } from './acceleration.ts'
import {
  type Ground,
  image,
  inOwnNetwork,
  openGround,
  seen,
  until,
  without,
  withoutKubernetes,
} from './ground.ts'

const wanted = Number(process.argv[2] ?? 20)
const atMost = 5
const file = new URL('../../../docs/power-cuts.json', import.meta.url)

/** Which machine was cut, how many seconds after its power was put on, and what it had told by then. */
const cut = z.strictObject({ machine: z.int(), after: z.number(), told: z.string() })
type Cut = z.infer<typeof cut>
const before = z.object({ cuts: z.array(cut), machines: z.int(), complete: z.int() })

const kubernetes = process.env.REGROW_VM === 'kubernetes'
const lacking = without || (kubernetes && withoutKubernetes)
if (lacking) throw new Error(lacking)
inOwnNetwork(import.meta.filename)
const known = existsSync(file) ? before.parse(JSON.parse(readFileSync(file, 'utf8'))) : undefined
// What is whole begins anew.
const seenBefore = known && known.cuts.length < wanted ? known : { cuts: [], machines: 0, complete: 0 }
const cuts: Cut[] = seenBefore.cuts
let { machines: begun, complete } = seenBefore
while (cuts.length < wanted) {
  const machine = ++begun
  const ground = await openGround({ k3s: kubernetes ? 'stand-in' : 'script' })
  try {
    await installed(ground, machine)
    complete++
  } finally {
    await ground.close()
    write()
  }
}

/** Runs a bootstrap until its machine is complete, cutting the power on the way. @throws Error where it never is */
async function installed(ground: Ground, machine: number): Promise<void> {
  const { machines } = ground
  const flow = new AbortController()
  const bootstrap = ground.run('bootstrap.mts', [], { interrupt: flow.signal })
  await until('the machine exists', () => machines.has('main-1'))
  let started = performance.now()
  let longest = 0
  for (let count = 0; count < atMost && cuts.length < wanted; count++) {
    if (count === 0) {
      await until('it answers', async () => (await machines.ask('main-1', 'echo here')) === 'here\n')
      longest = 6 * (performance.now() - started)
    }
    const moment = started + randomInt(Math.ceil(longest))
    const complete = () => machines.ask('main-1', '[ -e /var/lib/regrow/finished ] && echo yes', 5)
    while (performance.now() < moment && (await complete()) !== 'yes\n') await sleep(500)
    if (performance.now() < moment) break
    const told = ground.reports('main-1').at(-1)?.step ?? 'nothing'
    cuts.push({ machine, after: Math.round((performance.now() - started) / 1000), told })
    console.error(`+ machine ${machine}, power cut after ${cuts.at(-1)?.after} s, it had told: ${told}`)
    await machines.cut('main-1')
    await sleep(1000)
    await machines.power('main-1')
    started = performance.now()
  }
  await seen(machines, 'main-1', '[ -e /var/lib/regrow/finished ]', 60)
  flow.abort()
  await bootstrap
  const ended = await machines.ask(
    'main-1',
    'cloud-init status --wait | tail -n 1; systemctl is-active k3s.service regrow.service; cat /var/lib/regrow/finished',
    300,
  )
  const told = ground.reports('main-1').map(({ step, state }) => `${step} ${state}`)
  const steps = ['started', 'fetch', 'host', 'k3s', 'argocd']
  if (
    ended !== 'status: done\nactive\ninactive\n' ||
    told.join() !== steps.map((step) => `${step} done`).join()
  )
    throw new Error(`machine ${machine} is not complete: ${ended}, it told: ${told}`)
  console.error(`= machine ${machine} is complete`)
}

function write(): void {
  const seen = {
    date: new Date().toISOString().slice(0, 10),
    machine: `Debian 13 in QEMU, ${acceleration(image()).slice(0, 2).join(' ')}; ${kubernetes ? 'a stand-in for k3s' : 'k3s is a script that says yes'}`,
    wanted,
    cuts,
    machines: begun,
    complete,
  }
  writeFileSync(file, `${JSON.stringify(seen, undefined, 2)}\n`)
}
