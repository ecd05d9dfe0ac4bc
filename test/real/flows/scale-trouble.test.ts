import t from 'tap'
import type { LogEntry } from '../../../sandbox/world.ts'
import { openTestBox } from '../../flows/box.ts'
import { fleetOf, request } from '../../flows/fleet.ts'

// What goes wrong while a SIMULATED cluster grows and shrinks: a clear word, a clear state, and the next run goes on.

const box = await openTestBox(t)
const { droplets, nodes } = fleetOf(box)

/** Runs scale and kills it as soon as the world has seen such a request. */
async function killedAt(
  words: string[],
  which: (entry: LogEntry) => boolean,
  how: 'kill' | 'interrupt' = 'kill',
) {
  const end = new AbortController()
  const [ended] = await Promise.all([
    box.run('scale.mts', words, { [how]: end.signal }),
    box.once(which, async () => end.abort()),
  ])
  return ended
}

t.test('killed while a machine is off: the next run powers it on, with its new size', async (t) => {
  t.equal((await box.run('bootstrap.mts')).code, 0)
  t.equal((await box.run('scale.mts', ['--add', '1'])).code, 0)
  await killedAt(
    ['--size', 's-2vcpu-4gb', '--node', 'main-1'],
    request('POST', /^\/v2\/droplets\/\d+\/actions/),
  )
  const again = await box.run('scale.mts')
  t.equal(again.code, 0, again.err)
  t.same(await droplets(), ['main-1 s-2vcpu-4gb active', 'main-2 s-1vcpu-2gb active'])
  t.same(await nodes(), ['node/main-1', 'node/main-2'])
})

t.test('killed between node and droplet: the next run leaves nothing billed', async (t) => {
  await killedAt(['--remove', 'main-2'], request('DELETE', /^\/api\/v1\/nodes\/main-2/))
  const again = await box.run('scale.mts')
  t.equal(again.code, 0, again.err)
  t.same(await droplets(), ['main-1 s-2vcpu-4gb active'])
  t.same(await nodes(), ['node/main-1'])
})

t.test('a pod that does not go: nothing is removed before it has', async (t) => {
  t.equal((await box.run('scale.mts', ['--add', '1'])).code, 0)
  const stuck = {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'stuck', namespace: 'default' },
    spec: {
      selector: { matchLabels: { app: 'stuck' } },
      template: {
        metadata: { labels: { app: 'stuck' }, finalizers: ['example.org/never'] },
        spec: {
          nodeSelector: { 'kubernetes.io/hostname': 'main-3' },
          containers: [{ name: 'stuck', image: 'busybox:1' }],
        },
      },
    },
  }
  await box.run('kubectl', ['apply', '--server-side', '-f', '-'], { input: JSON.stringify(stuck) })
  await box.run('kubectl', ['wait', '--for=condition=Ready', 'pod/stuck-0', '-n', 'default'])
  const refused = await box.run('scale.mts', ['--remove', 'main-3'])
  t.equal(refused.code, 1)
  t.match(refused.err, 'the machines that stay have no room for default/stuck-0')
  const ended = await box.run('scale.mts', ['--remove', 'main-3', '--force', '--drain-timeout', '1s'])
  t.equal(ended.code, 1)
  t.match(ended.err, '! lost: the machines that stay have no room for default/stuck-0')
  t.match(ended.err, 'main-3 could not be drained within 1 s: default/stuck-0')
  t.match(ended.err, 'Nothing was removed')
  t.equal((await droplets()).length, 2)
  const free = [
    'patch',
    'pod',
    'stuck-0',
    '-n',
    'default',
    '--type',
    'merge',
    '-p',
    '{"metadata":{"finalizers":[]}}',
  ]
  await box.run('kubectl', ['delete', 'statefulset', 'stuck', '-n', 'default', '--wait=false'])
  await box.run('kubectl', free)
  const again = await box.run('scale.mts')
  t.equal(again.code, 0, again.err)
  t.same(await droplets(), ['main-1 s-2vcpu-4gb active'])
})
