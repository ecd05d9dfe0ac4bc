import { chmodSync, rmSync } from 'node:fs'
import t from 'tap'
import { bundleWish, firstServer } from '../../../cloud-init/test/sample.ts'
import { k3sStandIn, type Machine, makeBucket, makeMachine, missing, unpack } from './machine.ts'

const db = 'var/lib/rancher/k3s/server/db'
const run = 'var/lib/regrow/bundle/run'

// Plays a k3s whose only object is the ConfigMap, kept in its database folder; "running" is a file.
const k3s = k3sStandIn(`db=$REGROW_ROOT/${db}
[ -e "$REGROW_ROOT/running" ] || { echo 'connection refused' >&2; exit 1; }
case "$*" in
  *'create configmap'*) printf '%s\\n' "$@" | sed -n 's/^--from-literal=//p' ;;
  *apply*) cat >"$db/map" ;;
  *data.marker*) sed -n 's/^marker=//p' "$db/map" ;;
  *metadata.labels*) [ ! -e "$db/etcd" ] || echo true ;;
esac`)

// A running server on SQLite. `migrate` is what its k3s does with the database when it starts with cluster-init.
function makeServer(t: Parameters<typeof makeMachine>[0], migrate: string): Machine {
  const machine = makeMachine(t)
  unpack(machine, bundleWish(firstServer))
  machine.write('usr/local/bin/k3s', k3s.text)
  chmodSync(machine.path('usr/local/bin/k3s'), 0o755)
  machine.write(`${db}/state.db`, 'all that the cluster knows')
  machine.write('running', '')
  machine.stub(
    'systemctl',
    `db=$REGROW_ROOT/${db}
case "$*" in
  stop*k3s.service | 'disable --now k3s.service') rm -f "$REGROW_ROOT/running" ;;
  start*k3s.service) touch "$REGROW_ROOT/running"
    if [ -e "$REGROW_ROOT/etc/rancher/k3s/config.yaml.d/ha.yaml" ] && [ -e "$db/state.db" ]; then
      ${migrate}
    fi ;;
esac`,
  )
  return machine
}

const works = 'mkdir -p "$db/etcd"; mv "$db/state.db" "$db/state.db.migrated"'

t.test('SIMULATED k3s, real script', { skip: missing }, async (t) => {
  t.test('SQLite becomes etcd, and the outcome is reported by the URL of the wish', async (t) => {
    const [machine, bucket] = [makeServer(t, works), await makeBucket(t)]
    machine.write('var/lib/regrow/convert/wanted', `${bucket.url('nodes/main-1/convert.json')}\n`)
    const { code, output } = await machine.run(run, ['convert']).ended
    t.equal(code, 0, output)
    t.match(bucket.reports, [{ step: 'convert', state: 'done', message: 'The datastore is etcd.' }])
    t.equal(machine.read('etc/rancher/k3s/config.yaml.d/ha.yaml'), 'cluster-init: true\n')
    t.match(machine.read(`${db}/map`), 'state=done\n')
    t.ok(machine.has('running'))
    t.notOk(machine.has('var/lib/regrow/convert/wanted'), 'the wish is fulfilled')
    t.notOk(machine.has('var/lib/regrow/convert/db'), 'the copy is gone')
  })

  for (const [name, migrate] of [
    ['fails', ':'],
    [
      'begins an empty cluster',
      'rm "$db/map"; mkdir -p "$db/etcd"; mv "$db/state.db" "$db/state.db.migrated"',
    ],
  ] as const)
    t.test(`a migration that ${name} is taken back`, async (t) => {
      const [machine, bucket] = [makeServer(t, migrate), await makeBucket(t)]
      machine.write('var/lib/regrow/convert/wanted', bucket.url('nodes/main-1/convert.json'))
      t.equal((await machine.run(run, ['convert'], { REGROW_AWAIT: '1' }).ended).code, 3)
      t.match(bucket.reports, [
        { state: 'failed', message: 'etcd did not take over; the old database is back and k3s answers.' },
      ])
      t.equal(machine.read(`${db}/state.db`), 'all that the cluster knows')
      t.match(machine.read(`${db}/map`), 'state=failed\n')
      t.notOk(machine.has(`${db}/etcd`) || machine.has('etc/rancher/k3s/config.yaml.d/ha.yaml'))
      t.ok(machine.has('running'))
    })

  t.test('after a power cut in the middle it goes on where it was', async (t) => {
    const machine = makeServer(t, works)
    const systemctl = machine.read('stubs/systemctl')
    machine.stub(
      'systemctl',
      'case "$*" in start*) kill -9 $PPID ;; stop*) rm -f "$REGROW_ROOT/running" ;; esac',
    )
    await machine.run('var/lib/regrow/bundle/steps/convert.sh').ended
    t.ok(machine.has('etc/rancher/k3s/config.yaml.d/ha.yaml'), 'it was in the middle')
    machine.write('stubs/systemctl', systemctl)
    const { code, output } = await machine.run(run, ['convert']).ended
    t.equal(code, 0, output)
    t.ok(machine.has(`${db}/state.db.migrated`))
    t.match(machine.read(`${db}/map`), 'state=done\n')
  })

  t.test('after a power cut while the old database comes back, k3s never starts without one', async (t) => {
    const machine = makeServer(t, ':')
    machine.write('var/lib/regrow/convert/wanted', '')
    machine.stub('mv', `case "$*" in *server/db.new*) kill -9 $PPID; exit ;; esac; exec /bin/mv "$@"`)
    await machine.run('var/lib/regrow/bundle/steps/convert.sh', [], { REGROW_AWAIT: '1' }).ended
    t.notOk(machine.has(db), 'it was in the middle')
    rmSync(machine.path('stubs/mv'))
    const systemctl = machine.read('stubs/systemctl')
    const looks = `case "$*" in start*) [ -e "$REGROW_ROOT/${db}/state.db" ] || touch "$REGROW_ROOT/empty" ;; esac`
    machine.stub('systemctl', `${looks}\n${systemctl.split('\n').slice(2).join('\n')}`)
    const { code, output } = await machine.run(run, ['convert'], { REGROW_AWAIT: '1' }).ended
    t.equal(code, 3, output)
    t.equal(machine.read(`${db}/state.db`), 'all that the cluster knows')
    t.notOk(machine.has('empty'), 'an empty cluster would have begun')
    t.match(machine.read(`${db}/map`), 'state=failed\n')
    t.notOk(machine.has('etc/rancher/k3s/config.yaml.d/ha.yaml') || machine.has(`${db}.old`))
  })

  t.test(
    'after a power cut while k3s was disabled it is enabled again, also where etcd then takes over',
    async (t) => {
      const machine = makeServer(t, ':')
      machine.write('var/lib/regrow/convert/wanted', '')
      machine.stub('rm', `case "$*" in *ha.yaml) kill -9 $PPID; exit ;; esac; exec /bin/rm "$@"`)
      await machine.run('var/lib/regrow/bundle/steps/convert.sh', [], { REGROW_AWAIT: '1' }).ended
      t.ok(
        machine.has(`${db}/state.db`) && machine.has('etc/rancher/k3s/config.yaml.d/ha.yaml'),
        'in the middle',
      )
      t.ok(machine.calls().includes('systemctl disable --now k3s.service'))
      rmSync(machine.path('stubs/rm'))
      machine.stub('systemctl', machine.read('stubs/systemctl').replace(/^ {6}:$/m, works))
      const { code, output } = await machine.run(run, ['convert']).ended
      t.equal(code, 0, output)
      const settings = machine.calls().filter((call) => /^systemctl (enable|disable)/.test(call))
      t.equal(settings.at(-1), 'systemctl enable k3s.service', 'the next boot starts it')
      t.notOk(machine.has(`${db}.old`), 'nothing is left beside the database')
      t.notOk(machine.has(`${db}.old`), 'nor is the other database left beside it')
    },
  )

  t.test('a server on etcd has nothing to convert', async (t) => {
    const machine = makeServer(t, works)
    machine.write(`${db}/etcd/member`, '')
    rmSync(machine.path(`${db}/state.db`))
    const { code, output } = await machine.run(run, ['convert']).ended
    t.equal(code, 3)
    t.match(output, 'There is no SQLite database here to convert.')
  })
})
