import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { thisProcess } from '../../lib/base/alive.ts'
import { names } from '../../lib/base/names.ts'
import { isAbandoned } from '../../lib/store/keys.ts'

// Which short-lived keys belong to no run any more: those of this computer's processes are known for certain.

const at = new Date('2026-11-23T12:00:00Z')
const hours = (n: number) => at.getTime() + n * 3600_000
const key = (name: string) => ({ name, created_at: at.toISOString() })
const reader = (maker: string) => key(names.readerKey('main', at, maker))
const operator = (maker: string) => key(names.operatorKey('main', at, maker))

t.test('a run of this computer keeps its keys for as long as it lives, however long that is', async (t) => {
  for (const one of [reader(thisProcess()), operator(thisProcess())])
    t.notOk(isAbandoned(one, hours(1000), true), one.name)
})

t.test('a run of this computer that was killed has left its keys at once', async (t) => {
  const child = spawn(
    process.execPath,
    [
      '--import',
      'tsx/esm',
      '-e',
      "import('./lib/base/alive.ts').then((one) => { console.log(one.thisProcess()); setInterval(() => {}, 1000) })",
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const [line] = await once(child.stdout, 'data')
  const maker = String(line).trim()
  t.notOk(isAbandoned(reader(maker), hours(1000), true), 'it lives')
  child.kill('SIGKILL')
  await once(child, 'exit')
  t.ok(isAbandoned(reader(maker), hours(0), false))
  t.ok(isAbandoned(operator(maker), hours(0), false))
})

t.test('a number that was given to another process again does not keep a key', async (t) => {
  const maker = thisProcess().replace(/[0-9a-f]{6}$/, '000000')
  t.ok(isAbandoned(reader(maker), hours(0), false))
})

t.test('of another computer’s run, or an earlier version’s, nothing can be seen', async (t) => {
  for (const maker of [thisProcess().replace(/^[0-9a-f]{6}/, '000000'), '']) {
    const named = (one: { name: string; created_at: string }) => ({
      ...one,
      name: one.name.replace(/-$/, ''),
    })
    t.notOk(isAbandoned(named(reader(maker)), hours(23), true), 'it may read for long')
    t.ok(isAbandoned(named(reader(maker)), hours(25), false), 'no run that reads takes a day')
    t.notOk(isAbandoned(named(operator(maker)), hours(1), false), 'it may be at work')
    t.ok(isAbandoned(named(operator(maker)), hours(1), true), 'it lost the lock')
  }
})

t.test('keys of the cluster, and those with full access, are no run’s own', async (t) => {
  for (const name of ['regrow-main-velero-1', 'regrow-main-setup-20261123t120000z'])
    t.notOk(isAbandoned(key(name), hours(1000), true), name)
})
