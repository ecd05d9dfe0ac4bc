import { readdirSync, rmSync, statSync } from 'node:fs'
import { load } from 'js-yaml'
import t from 'tap'
import { type BundleSpec, type NodeSpec, renderBundle, stepDeadlines } from '#cloud-init/index.ts'
import { cloudInitFile } from '#cloud-init/template.ts'
import { agent, bundleWish, firstServer } from '../../../cloud-init/test/sample.ts'
import {
  applyUserData,
  type Bucket,
  bundleKey,
  k3sStandIn,
  type Machine,
  makeBucket,
  makeMachine,
  missing,
  wellK3s,
} from './machine.ts'

const kubernetes = {
  '00-secrets.yaml': 'kind: Secret\nstringData: {token: dop_v1_very_secret_indeed}\n',
  '10-argocd.yaml': 'kind: CustomResourceDefinition\n',
  '90-platform.yaml': 'kind: Application\n',
}

// Stores the bundle and k3s, and gives the machine its user-data.
async function deliver(machine: Machine, bucket: Bucket, spec: NodeSpec, k3s = wellK3s, date?: string) {
  // A signed URL, as where upstream has k3s no longer.
  const node: NodeSpec = { ...spec, k3s: { ...spec.k3s, url: bucket.url('k3s'), sha256: k3s.sha256 } }
  const steps = ['fetch', 'host', 'k3s', 'argocd']
  const wish: BundleSpec = bundleWish(node, {
    reports: Object.fromEntries(
      steps.map((step) => [step, bucket.url(`nodes/${node.name}/${step}.json`)]),
    ) as BundleSpec['reports'],
    deleteUrl: bucket.url(`bundles/${node.name}.tar.gz`),
    ...(node.role === 'first-server' ? { kubernetes } : {}),
  })
  const { bytes, sha256 } = await renderBundle(wish, bundleKey)
  bucket.objects.set('k3s', { body: k3s.text })
  bucket.objects.set(`bundles/${node.name}.tar.gz`, { body: bytes })
  applyUserData(machine, bucket.userData(node.name, sha256, date))
  return { sha256, bytes }
}

// Each in its own machine, so several at once.
const apart = () => ({ buffered: true })
const regrow = 'usr/local/sbin/regrow'
const short = (bucket: Bucket) => bucket.reports.map(({ step, state }) => `${step} ${state}`)
const last = (bucket: Bucket) => bucket.reports.at(-1)

t.test('SIMULATED machine, real scripts', { skip: missing, jobs: 4 }, async (t) => {
  t.test('a first server installs itself, says so, and does nothing the next time', apart(), async (t) => {
    const [machine, bucket] = [makeMachine(t), await makeBucket(t)]
    await deliver(machine, bucket, firstServer)
    for (const file of ['user-data.txt', 'user-data.txt.i', 'cloud-config.txt', 'obj.pkl'])
      machine.write(`var/lib/cloud/instances/i-1/${file}`, 'x')
    const { code, output } = await machine.run(regrow).ended
    t.equal(code, 0, output)
    t.strictSame(short(bucket), ['started done', 'fetch done', 'host done', 'k3s done', 'argocd done'])
    t.equal(bucket.reports[3]?.message, 'main-1 is Ready with k3s v1.36.5+k3s1.')
    t.notOk(bucket.objects.has('bundles/main-1.tar.gz'), 'the bundle is gone from the bucket')

    t.strictSame(load(machine.read('etc/rancher/k3s/config.yaml.d/10-addresses.yaml')), {
      'node-ip': '10.110.0.2',
      'flannel-iface': 'eth1',
      'node-external-ip': '203.0.113.10',
      'advertise-address': '10.110.0.2',
    })
    for (const file of ['etc/rancher/k3s/config.yaml', 'var/lib/rancher/k3s/server/tls/etcd/peer-ca.key'])
      t.equal(statSync(machine.path(file)).mode & 0o777, 0o600, file)
    t.equal(statSync(machine.path('var/lib/rancher/k3s/server/tls')).mode & 0o777, 0o700)
    t.match(machine.read('etc/fstab'), /^\/dev\/vda1 .*\n\/swapfile none swap sw 0 0\n$/)
    const delays = readdirSync(machine.path('etc/systemd/logind.conf.d'))
    t.equal(
      [...delays, 'unattended-upgrades-logind-maxdelay.conf'].sort().at(-1),
      'zz-regrow.conf',
      'of these files the last counts',
    )
    t.match(
      machine.read('etc/systemd/system/k3s.service'),
      'ExecStartPre=/usr/local/sbin/regrow-metadata 10.42.0.0/16\n',
    )
    t.ok(machine.has('etc/rancher/k3s/audit.yaml') && machine.has('etc/rancher/k3s/admission.yaml'))
    for (const folder of ['agent', 'agent/etc', 'agent/etc/kubelet.conf.d'])
      t.equal(statSync(machine.path(`var/lib/rancher/k3s/${folder}`)).mode & 0o777, 0o700, folder)
    const settings = readdirSync(machine.path('etc/sysctl.d'))
    t.equal(
      [...settings, '99-sysctl.conf'].sort().at(-1),
      'zz-regrow.conf',
      'the kubelet refuses other values',
    )
    t.ok(machine.has('etc/systemd/system/regrow-convert.path'))

    const calls = machine.calls()
    const order = [
      'nft -f -',
      'systemctl start --no-block k3s.service',
      'k3s kubectl apply --server-side --force-conflicts --field-manager=argocd-controller -f .*/00-secrets.yaml',
      'k3s kubectl apply .*/10-argocd.yaml',
      'k3s kubectl wait --for=condition=Established .* crd/applications.argoproj.io',
      'k3s kubectl -n argocd rollout status .* deployment/argocd-server',
      'k3s kubectl apply .*/90-platform.yaml',
      'systemctl start apt-daily.timer',
    ].map((pattern) => calls.findIndex((call) => new RegExp(pattern).test(call)))
    t.strictSame(
      order,
      [...order].sort((a, b) => a - b),
      'in this order',
    )
    t.notOk(order.includes(-1), 'all of them')

    t.notOk(machine.has('var/lib/cloud/instances/i-1/user-data.txt'))
    t.ok(machine.has('var/lib/cloud/instances/i-1/obj.pkl'), 'cloud-init needs this one')
    t.same(
      readdirSync(machine.path('var/lib/regrow/bundle')).sort(),
      ['metadata.sh', 'node.env', 'report.py', 'run', 'secrets', 'steps', 'units'],
      'of the bundle nothing stays that opens anything',
    )
    t.strictSame(
      machine.read('var/lib/regrow/bundle/secrets').trim().split('\n').sort(),
      Object.values(firstServer.tokens)
        .flatMap((token) => [token, Buffer.from(token).toString('base64')])
        .sort(),
      'but what a report about a conversion must hide: it lies in k3s’ settings, too',
    )
    const requests = bucket.log.length
    t.equal((await machine.run(regrow).ended).code, 0)
    t.equal(bucket.log.length, requests, 'not one request the second time')
  })

  t.test('an agent: its own unit, no authorities, the address of its default route', apart(), async (t) => {
    const [machine, bucket] = [makeMachine(t), await makeBucket(t)]
    const ping = await makeBucket(t)
    ping.objects.set('ping', { body: 'pong' })
    await deliver(machine, bucket, { ...agent, join: ping.url('').split('/?')[0] ?? '' })
    const { code, output } = await machine.run(regrow).ended
    t.equal(code, 0, output)
    t.strictSame(short(bucket), ['started done', 'fetch done', 'host done', 'k3s done'])
    t.strictSame(load(machine.read('etc/rancher/k3s/config.yaml.d/10-addresses.yaml')), {
      'node-ip': '10.110.0.2',
      'flannel-iface': 'eth1',
      'node-external-ip': '203.0.113.77',
    })
    t.ok(machine.calls().includes('systemctl start --no-block k3s-agent.service'))
    t.notOk(machine.has('var/lib/rancher/k3s/server'))
    t.notOk(machine.has('etc/systemd/system/regrow-convert.path'))
    t.match(machine.read('var/lib/regrow/bundle/secrets'), /^[^\n]+\nagent-token-0123456789\n$/)
  })

  t.test('the bundle is deleted where it lay as soon as that can be done', apart(), async (t) => {
    const [machine, bucket] = [makeMachine(t), await makeBucket(t)]
    await deliver(machine, bucket, firstServer)
    bucket.refusals.push(...Array.from({ length: 9 }, () => 503))
    const { code, output } = await machine.run(regrow, [], { REGROW_RETRY: '1' }).ended
    t.equal(code, 0, output)
    t.equal(
      bucket.reports[1]?.message,
      'The bundle is here and is what it should be. It could not be deleted where it lay yet: the answer is 503.',
    )
    t.notOk(bucket.objects.has('bundles/main-1.tar.gz'), 'at the end it was')
    t.notOk(machine.has('var/lib/regrow/bundle/delete-url'))
  })

  for (const [answer, meaning] of [
    [404, 'is gone already'],
    [405, 'lies where nothing can be deleted'],
    [403, 'cannot be deleted any more'],
  ] as const)
    t.test(`a bundle that ${meaning} holds nothing up`, apart(), async (t) => {
      const [machine, bucket] = [makeMachine(t), await makeBucket(t)]
      await deliver(machine, bucket, firstServer)
      bucket.refusals.push(...Array.from({ length: 10_000 }, () => answer))
      const { code, output } = await machine.run(regrow, [], { REGROW_RETRY: '1', REGROW_WAIT: '2' }).ended
      t.equal(code, 0, output)
      const said = bucket.reports[1]?.message ?? ''
      if (answer === 404) t.equal(said, 'The bundle is here and is what it should be.')
      else t.match(said, `It could not be deleted where it lay yet: the answer is ${answer}.`)
      if (answer !== 403)
        t.equal(bucket.log.filter((one) => one.startsWith('DELETE')).length, 1, 'asked once')
      t.ok(machine.has('var/lib/regrow/finished'))
    })

  t.test('a power cut costs one step at most', apart(), async (t) => {
    const [machine, bucket] = [makeMachine(t), await makeBucket(t)]
    await deliver(machine, bucket, firstServer)
    // The power goes while the swap file is made: everything that runs dies, and nothing is tidied up.
    machine.stub(
      'mkswap',
      '[ -e "$REGROW_ROOT/cut" ] || { touch "$REGROW_ROOT/cut"; kill -9 $(<"$REGROW_ROOT/pid"); kill -9 $PPID; }',
    )
    const first = machine.run(regrow)
    machine.write('pid', String(first.process.pid))
    await first.ended
    t.ok(machine.has('cut'), 'the cut happened')
    t.strictSame(short(bucket), ['started done', 'fetch done'])
    t.notOk(machine.has('swapfile'), 'half a swap file is none')
    const { code, output } = await machine.run(regrow).ended
    t.equal(code, 0, output)
    t.strictSame(short(bucket), ['started done', 'fetch done', 'host done', 'k3s done', 'argocd done'])
    t.equal(bucket.log.filter((line) => line === 'GET bundles/main-1.tar.gz').length, 1, 'fetched once')
  })

  t.test('a bundle that is not there yet is waited for', apart(), async (t) => {
    const [machine, bucket] = [makeMachine(t), await makeBucket(t)]
    const { bytes } = await deliver(machine, bucket, firstServer)
    bucket.objects.set('bundles/main-1.tar.gz', { status: 403, body: '<Code>InvalidAccessKeyId</Code>' })
    const running = machine.run(regrow)
    const asked = () => bucket.log.filter((line) => line === 'GET bundles/main-1.tar.gz').length
    while (asked() < 3) await new Promise((resolve) => setTimeout(resolve, 20))
    bucket.objects.set('bundles/main-1.tar.gz', { body: bytes })
    t.equal((await running.ended).code, 0)
  })

  t.test('a bundle that never comes fails at the deadline, with the reason', apart(), async (t) => {
    const [machine, bucket] = [makeMachine(t), await makeBucket(t)]
    await deliver(machine, bucket, firstServer)
    bucket.objects.set('bundles/main-1.tar.gz', { status: 403, body: '<Code>InvalidAccessKeyId</Code>' })
    t.equal((await machine.run(regrow, [], { REGROW_WAIT: '0' }).ended).code, 3)
    t.strictSame(short(bucket), ['started done', 'started failed'])
    t.match(last(bucket)?.message, /^main-1: the bundle cannot be fetched: 403 .*InvalidAccessKeyId/)
  })

  t.test('an expired URL is final at once', apart(), async (t) => {
    const [machine, bucket] = [makeMachine(t), await makeBucket(t)]
    await deliver(machine, bucket, firstServer, wellK3s, '20260101T000000Z')
    bucket.objects.set('bundles/main-1.tar.gz', { status: 403, body: '<Code>AccessDenied</Code>' })
    t.equal((await machine.run(regrow).ended).code, 3)
    t.equal(last(bucket)?.message, 'main-1: the URL of the bundle has expired')
  })

  t.test('a changed byte in the bundle is final at once', apart(), async (t) => {
    const [machine, bucket] = [makeMachine(t), await makeBucket(t)]
    const { bytes } = await deliver(machine, bucket, firstServer)
    const changed = Uint8Array.from(bytes)
    changed[100] = (changed[100] ?? 0) ^ 1
    bucket.objects.set('bundles/main-1.tar.gz', { body: changed })
    t.equal((await machine.run(regrow).ended).code, 3)
    t.equal(last(bucket)?.message, 'main-1: the bundle differs from its digest')
    t.notOk(machine.has('var/lib/regrow/bundle'), 'nothing of it is kept')
  })

  t.test('a bundle that its key does not open is final at once', apart(), async (t) => {
    const [machine, bucket] = [makeMachine(t), await makeBucket(t)]
    const { bytes, sha256 } = await renderBundle(bundleWish(firstServer, { kubernetes }), 'j'.repeat(22))
    bucket.objects.set('bundles/main-1.tar.gz', { body: bytes })
    applyUserData(machine, bucket.userData('main-1', sha256))
    t.equal((await machine.run(regrow).ended).code, 3)
    t.equal(last(bucket)?.message, 'main-1: the bundle cannot be unpacked')
    t.notOk(machine.has('var/lib/regrow/bundle'), 'nothing of it is kept')
  })

  t.test('another k3s than was asked for is final at once', apart(), async (t) => {
    const [machine, bucket] = [makeMachine(t), await makeBucket(t)]
    await deliver(machine, bucket, firstServer)
    bucket.objects.set('k3s', { body: 'something else' })
    // biome-ignore lint/suspicious/noTemplateCurlyInString: bash's own
    machine.stub('curl', 'PATH=${PATH#*:} exec curl "$@"')
    t.equal((await machine.run(regrow).ended).code, 3)
    t.strictSame(short(bucket).slice(2), ['host done', 'k3s failed'])
    t.match(
      last(bucket)?.message,
      /^k3s from http:\S+\/k3s is not the one that was asked for: its SHA-256 is [0-9a-f]{64} instead of /,
    )
    t.match(machine.calls().join('\n'), /^curl .*k3s\.new/m)
    t.notMatch(machine.calls().join('\n'), 'Signature', 'a signed URL is in no argument list')
    t.notOk(machine.has('usr/local/bin/k3s'))
  })

  t.test(
    'what cannot heal by its deadline fails with the last words, and the log without secrets',
    async (t) => {
      const [machine, bucket] = [makeMachine(t), await makeBucket(t)]
      const k3s = k3sStandIn(
        'case "$*" in *Ready*) echo "why: server-token-0123456789 dop_v1_very_secret_indeed" >&2; exit 1 ;; esac',
      )
      await deliver(machine, bucket, firstServer, k3s)
      machine.stub('journalctl', 'echo "K10$(printf "a%.0s" {1..64})::server:joined"')
      t.equal((await machine.run(regrow, [], { REGROW_K3S_DEADLINE: '10' }).ended).code, 3)
      const report = last(bucket)
      t.match(report, {
        step: 'k3s',
        state: 'failed',
        message: 'k3s was started, but main-1 is not a Ready node yet.',
      })
      t.match(report?.log, /why: \[redacted\] \[redacted\]/)
      t.notMatch(JSON.stringify(report), /server-token-0123456789|dop_v1|::server:/)
      t.ok(Buffer.byteLength(report?.log ?? '') <= 16 * 1024)
    },
  )

  t.test('a full disk is told as such, though nothing can be written to it', apart(), async (t) => {
    const [machine, bucket] = [makeMachine(t), await makeBucket(t)]
    const full = k3sStandIn('echo "No space left on device" >&2; exit 1')
    await deliver(machine, bucket, firstServer, full)
    machine.stub('df', 'printf "Avail\\n    0\\n"')
    t.equal((await machine.run(regrow, [], { REGROW_K3S_DEADLINE: '4' }).ended).code, 3)
    t.match(last(bucket)?.message, /main-1 is not a Ready node yet\. The disk of this machine is full\.$/)
  })

  t.test('a machine outside the private network says so', apart(), async (t) => {
    const [machine, bucket] = [makeMachine(t), await makeBucket(t)]
    await deliver(machine, bucket, firstServer)
    machine.stub('ip', '')
    t.equal((await machine.run(regrow, [], { REGROW_K3S_DEADLINE: '4' }).ended).code, 3)
    t.equal(last(bucket)?.message, 'This machine has no address in the private network 10.110.0.0/20 yet.')
  })

  t.test('the deadline ends a repetition: what was wrong before is told all the same', apart(), async (t) => {
    const [machine, bucket] = [makeMachine(t), await makeBucket(t)]
    await deliver(machine, bucket, firstServer)
    const asked = '"$REGROW_ROOT/asked"'
    machine.stub('ip', `echo >>${asked}; [ "$(wc -l <${asked})" -le 2 ] || exec /bin/sleep 60`)
    t.equal((await machine.run(regrow, [], { REGROW_K3S_DEADLINE: '6' }).ended).code, 3)
    t.match(
      last(bucket)?.message,
      /^k3s v\S+ is being fetched\. Before that: This machine has no address in the private network .* yet\.$/,
    )
  })

  t.test('names that cannot be resolved are told as such', apart(), async (t) => {
    const [machine, bucket] = [makeMachine(t), await makeBucket(t)]
    const { k3s } = firstServer
    const spec = { ...firstServer, k3s: { ...k3s, url: 'http://nowhere.invalid/k3s' } }
    const wish = bundleWish(spec, {
      reports: Object.fromEntries(
        ['fetch', 'host', 'k3s', 'argocd'].map((step) => [step, bucket.url(`${step}.json`)]),
      ) as BundleSpec['reports'],
      deleteUrl: bucket.url('bundles/main-1.tar.gz'),
    })
    const { bytes, sha256 } = await renderBundle(wish, bundleKey)
    bucket.objects.set('bundles/main-1.tar.gz', { body: bytes })
    applyUserData(machine, bucket.userData('main-1', sha256))
    t.equal((await machine.run(regrow, [], { REGROW_K3S_DEADLINE: '4' }).ended).code, 3)
    t.match(
      last(bucket)?.message,
      /^k3s cannot be fetched: the name in .* cannot be resolved, DNS does not work here\.$/,
    )
  })

  /** As S3 writes times: `20261130T201026Z`. */
  const stamp = (at: number) => new Date(at).toISOString().replace(/[-:]|\.\d+/g, '')
  /** A clock that is so many seconds off until somebody sets it. */
  const clock = (machine: Machine, off: number) =>
    machine.stub(
      'date',
      `off="$REGROW_ROOT/off"
[ -e "$off" ] || echo ${off} >"$off"
case "$*" in
  -s*) echo $((\${2#@} - $(/bin/date +%s))) >"$off" ;;
  +%s) echo $(($(/bin/date +%s) + $(<"$off"))) ;;
  *) exec /bin/date "$@" ;;
esac`,
    )
  const steps = (machine: Machine) => machine.calls().filter((call) => call.startsWith('date -s @'))
  const day = 86_400_000

  t.test('a clock that is a day off is set from a plain answer before anything else', apart(), async (t) => {
    const [machine, bucket] = [makeMachine(t), await makeBucket(t)]
    await deliver(machine, bucket, firstServer, wellK3s, stamp(Date.now() - 3600_000))
    clock(machine, -86400)
    t.equal((await machine.run(regrow).ended).code, 0)
    const [set, ...more] = steps(machine)
    t.ok(Math.abs(Number(set?.slice('date -s @'.length)) - Date.now() / 1000) < 60, `${set}`)
    t.same(more, [])
    t.equal(bucket.log[0], 'HEAD ')
  })

  for (const [what, says] of [
    ['of long ago', Date.UTC(2010, 0, 1)],
    ['two hours before the URL was signed', Date.now() - 2 * 3600_000],
    ['a minute after the URL ends', Date.now() + 7 * day + 60_000],
    ['far ahead', Date.UTC(2100, 0, 1)],
  ] as const)
    t.test(`a plain answer with a time ${what} sets no clock and ends nothing`, apart(), async (t) => {
      const [machine, bucket] = [makeMachine(t), await makeBucket(t)]
      await deliver(machine, bucket, firstServer, wellK3s, stamp(Date.now()))
      clock(machine, 0)
      bucket.says = says
      const { code, output } = await machine.run(regrow).ended
      t.equal(code, 0, output)
      t.same(steps(machine), [])
    })

  t.test('a clock that was set to the URL’s last second has not seen its end', apart(), async (t) => {
    const [machine, bucket] = [makeMachine(t), await makeBucket(t)]
    const signed = Date.now()
    const { bytes } = await deliver(machine, bucket, firstServer, wellK3s, stamp(signed))
    clock(machine, 0)
    bucket.says = Math.floor(signed / 60_000) * 60_000 + 7 * day // the script counts in minutes
    bucket.objects.set('bundles/main-1.tar.gz', { status: 403, body: '<Code>SlowDown</Code>' })
    const running = machine.run(regrow)
    const asked = () => bucket.log.filter((line) => line === 'GET bundles/main-1.tar.gz').length
    while (asked() < 3) await new Promise((resolve) => setTimeout(resolve, 20))
    bucket.objects.set('bundles/main-1.tar.gz', { body: bytes })
    const { code, output } = await running.ended
    t.equal(code, 0, output)
    t.equal(steps(machine).length > 0, true, 'it was set')
  })

  t.test('a URL that is not signed sets no clock', apart(), async (t) => {
    const [machine, bucket] = [makeMachine(t), await makeBucket(t)]
    await deliver(machine, bucket, firstServer)
    const script = machine.read(regrow)
    machine.write(regrow, script.replace(/(BUNDLE_URL='[^?']+)[^']*'/, "$1'"))
    clock(machine, -86400)
    t.equal((await machine.run(regrow).ended).code, 0)
    t.same(steps(machine), [])
  })

  t.test('where the image has neither nft nor iptables, k3s brings iptables along', apart(), async (t) => {
    const [machine, bucket] = [makeMachine(t), await makeBucket(t)]
    const aux = 'var/lib/rancher/k3s/data/current/bin/aux'
    const unpacks = k3sStandIn(`case "$*" in
      *'version --client') mkdir -p "$REGROW_ROOT/${aux}"
        printf '#!/bin/bash\\necho "$*" >>"$REGROW_ROOT/calls"\\n' >"$REGROW_ROOT/${aux}/xtables-nft-multi"
        chmod 755 "$REGROW_ROOT/${aux}/xtables-nft-multi" ;;
      *jsonpath=*Ready*) echo True ;;
    esac`)
    await deliver(machine, bucket, { ...firstServer }, unpacks)
    machine.stub('nft', 'exit 1')
    machine.stub('iptables', 'exit 1')
    const { code, output } = await machine.run(regrow).ended
    t.equal(code, 0, output)
    const calls = machine.calls()
    const closed = calls.findIndex((call) => /^iptables -w -t raw -A REGROW -s 10\.42\.0\.0\/16/.test(call))
    t.ok(
      closed > 0 && closed < calls.indexOf('systemctl start --no-block k3s.service'),
      'closed before k3s starts',
    )
  })

  t.test('an image on which k3s cannot run is refused at once', apart(), async (t) => {
    const [machine, bucket] = [makeMachine(t), await makeBucket(t)]
    await deliver(machine, bucket, firstServer)
    machine.stub('modprobe', '[ "$1" != wireguard ]')
    t.equal((await machine.run(regrow).ended).code, 3)
    t.match(last(bucket), { step: 'host', state: 'failed', message: /no module wireguard/ })
    rmSync(machine.path('sys/fs/cgroup/cgroup.controllers'))
    t.equal((await machine.run(regrow).ended).code, 3)
    t.match(last(bucket), { step: 'host', state: 'failed', message: /control groups of version 1/ })
  })
})

t.test('the runner and the library name the same deadlines', async (t) => {
  const { fetch, ...others } = stepDeadlines
  t.match(cloudInitFile('regrow.hbs'), `"\${REGROW_WAIT:-${fetch}}"`)
  for (const [step, seconds] of Object.entries(others))
    t.match(cloudInitFile('run'), new RegExp(`\\[${step}\\]=(\\$\\{\\w+:-)?${seconds}\\b`), step)
})
