import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { type Ground, seen, until } from './ground.ts'

/** The steps of a first server, in their order. */
export const steps = ['fetch', 'host', 'k3s', 'argocd'] as const

/** A namespace with an address of the pods' range behind a bridge, masqueraded, as k3s' network has them. */
const podNetwork = `ip netns add pod; ip link add pods0 type bridge; ip addr add 10.42.250.1/24 dev pods0; ip link set pods0 up; ip link add podveth type veth peer name eth0 netns pod; ip link set podveth master pods0 up; ip -n pod addr add 10.42.250.9/24 dev eth0; ip -n pod link set eth0 up; ip -n pod route add default via 10.42.250.1; nft 'add table ip standin; add chain ip standin post { type nat hook postrouting priority 100; }; add rule ip standin post ip saddr 10.42.0.0/16 ip daddr != 10.42.0.0/16 masquerade'`

/**
 * A first server installs itself: looked at when it is complete, and again after one more power cut.
 * @param how.cutAt steps at whose start and end the power is cut on the way
 * @param how.api whether it gets a Kubernetes API: as soon as that answers, the flow looks at it instead of reports
 */
export async function firstServer(
  t: Test,
  ground: Ground,
  how: { cutAt: readonly (typeof steps)[number][]; api: boolean },
): Promise<void> {
  const { machines } = ground
  const flow = new AbortController()
  const bootstrap = ground.run('bootstrap.mts', [], { interrupt: flow.signal })
  const look = (command: string) => machines.ask('main-1', command)
  await until('the machine exists', () => machines.has('main-1'))
  let begun = performance.now()
  for (const step of how.cutAt)
    for (const edge of ['start', 'end'] as const) {
      await seen(machines, 'main-1', edge === 'start' ? hasBegun(step) : isDone(step))
      await machines.cut('main-1')
      t.pass(
        `power cut at the ${edge} of ${step}, ${Math.round((performance.now() - begun) / 1000)} s after power on`,
      )
      await machines.power('main-1')
      begun = performance.now()
    }
  await seen(machines, 'main-1', '[ -e /var/lib/regrow/finished ]', 30)
  const told = ['started', ...steps]
  const reports = ground.reports('main-1')
  t.strictSame(
    reports.map(({ step, state }) => `${step} ${state}`),
    told.map((step) => `${step} done`),
    'every step was reported',
  )
  t.comment(reports.map(({ step, seconds }) => `${step} ${seconds} s`).join(', '))
  await sleep(20_000) // some rounds of the flow's looking; it would wait for a platform that nobody runs here
  flow.abort()
  const { err } = await bootstrap
  const heard = how.api ? told.slice(0, told.indexOf('k3s')) : told
  for (const step of heard) t.match(err, `main-1: ${step}`, `${step} was told`)
  if (how.api) t.match(err, 'node main-1  Ready', 'the kubeconfig known beforehand opens its API')

  t.match(await look('cloud-init status --wait'), /status: done/, 'cloud-init ended well')
  await tookConfigDrive(t, ground, 'main-1')
  t.equal(await look('systemctl is-active regrow.service'), 'inactive\n', 'the unit is idle after success')
  t.match(await look('swapon --show=NAME,SIZE --noheadings'), /^\/swapfile +2G\n$/)
  t.equal(await look('sysctl -n vm.swappiness net.ipv4.ip_forward'), '20\n1\n')
  await metadataIsClosed(t, ground, 'main-1')
  await nothingSecret(t, ground, 'main-1')
  t.same(ground.kit('bundles'), [], 'the bundle is gone from the bucket')

  await machines.cut('main-1')
  await machines.power('main-1')
  await seen(machines, 'main-1', 'systemctl is-active -q k3s.service', 30)
  t.equal(await look('systemctl is-active regrow.service'), 'inactive\n', 'and idle after a reboot')
  t.match(await look('cloud-init status --wait'), /status: done/, 'cloud-init too')
  await metadataIsClosed(t, ground, 'main-1')
  await nothingSecret(t, ground, 'main-1')
}

function isDone(step: string): string {
  return `[ -e /var/lib/regrow/done/${step} ]`
}

/**
 * The first step has begun when the node's script made its folder; a later one, when the step before is done and a word of this
 * boot, which lies in memory, is there: nothing is said for steps that were done before.
 */
function hasBegun(step: (typeof steps)[number]): string {
  const before = steps[steps.indexOf(step) - 1]
  return before ? `${isDone(before)} && [ -e /run/regrow/message ]` : '[ -e /var/lib/regrow ]'
}

/** cloud-init took the drive, as on a droplet, which says the same as the metadata service. */
async function tookConfigDrive(t: Test, { machines }: Ground, name: string): Promise<void> {
  const look = (command: string) => machines.ask(name, command)
  const source = 'DataSourceConfigDrive [net,ver=2][source=/dev/vd'
  t.match(await look('cat /run/cloud-init/result.json'), source, 'cloud-init took the config drive')
  const asked = 'curl -s http://169.254.169.254/metadata/v1'
  t.equal(
    await look(
      `mount -o ro /dev/disk/by-label/config-2 /mnt && cd /mnt && cmp <(${asked}.json) digitalocean_meta_data.json && cmp <(${asked}/user-data) openstack/latest/user_data; cd /; umount /mnt`,
    ),
    '',
    'drive and service say the same',
  )
}

/** A pod cannot ask the metadata service, the host can. */
export async function metadataIsClosed(t: Test, { machines, world }: Ground, name: string): Promise<void> {
  const look = (command: string) => machines.ask(name, command)
  await look(podNetwork)
  const ask = 'curl -s -m 5 http://169.254.169.254/metadata/v1/id'
  t.match(await look(ask), /^\d+$/, 'the metadata service is open to the host')
  t.equal(await look(`ip netns exec pod ${ask}; echo $?`), '28\n', 'a pod waits in vain')
  const { host, port } = world.addresses.spaces
  const elsewhere = `curl -s -m 5 -o /dev/null http://${host}:${port}/`
  t.equal(await look(`ip netns exec pod ${elsewhere}; echo $?`), '0\n', 'though it reaches others')
}

/** Nothing that opens anything lies where everybody may read. */
export async function nothingSecret(t: Test, { machines }: Ground, name: string): Promise<void> {
  const look = (command: string) => machines.ask(name, command)
  const secret = 'X-Amz-Signature=|PRIVATE KEY-----'
  t.equal(
    await look(
      `find / /run -xdev -type f -perm -o=r -size -1M -not -path '/usr/*' -not -path '*/containerd/*' -exec grep -lE '${secret}' {} + 2>/dev/null`,
    ),
    '',
    'no signed URL and no key in a file that everybody may read',
  )
  t.equal(await look(`grep -lE '${secret}' /var/log/cloud-init*.log`), '', 'nor in the logs of cloud-init')
  t.notMatch(await look('ps -eo args'), /X-Amz-Signature=\w/, 'nor in an argument list')
  t.equal(
    await look('ls /var/lib/regrow/bundle'),
    'metadata.sh\nnode.env\nreport.py\nrun\nsecrets\nsteps\nunits\n',
    'nor kept',
  )
  t.equal(await look(`grep -cE 'dop_|${secret}' /var/lib/regrow/bundle/secrets`), '0\n', 'but the tokens')
}
