import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { openBox } from '../../../sandbox/box.ts'
import { runIn } from '../../flows/box.ts'
import { debian13, missing } from './image.ts'
import { packK3s, partsMissing } from './k3s.ts'
import { layNetwork } from './network.ts'
import { type VirtualMachines, virtualMachines } from './qemu.ts'

// A real Debian 13 on a virtual machine takes the user-data of an unchanged bootstrap: cloud-init, systemd, the
// kernel and the node's scripts are real. DigitalOcean, Spaces and GitHub are SIMULATED; k3s is a STAND-IN that
// starts the real Kubernetes programs, and kwok plays its kubelet.

const cache = process.env.REGROW_CACHE ?? '/var/cache/regrow'
const without =
  (!process.env.REGROW_VM && 'NOT RUN: ten minutes of both cores; REGROW_VM=1 runs it') ||
  missing ||
  (partsMissing(cache).length > 0 && `NOT RUN: not built: ${partsMissing(cache).join(', ')}`)
const minutes = 60_000

if (without) {
  t.test('a real machine', { skip: without }, async () => {})
} else if (process.env.REGROW_OWN_NETWORK) {
  layNetwork('10.110.0.1/20')
  await t.test('a first server and its power cuts', { timeout: 40 * minutes }, firstServer)
} else {
  // Made while Debian's packages can still be reached: the namespace has a network of its own.
  debian13(cache)
  const again = spawnSync('unshare', ['--net', process.execPath, ...process.execArgv, import.meta.filename], {
    stdio: 'inherit',
    env: { ...process.env, REGROW_OWN_NETWORK: '1' },
  })
  process.exit(again.status ?? 1)
}

async function firstServer(t: Test): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'regrow-vm-'))
  mkdirSync(join(dir, '.sandbox'))
  writeFileSync(join(dir, '.sandbox', 'addresses.json'), JSON.stringify({ range: '198.18' }))
  const machines = await virtualMachines(debian13(cache), join(dir, 'machines'))
  process.env.REGROW_SANDBOX_TOOLS = 'stand-ins'
  const box = await openBox({
    dir: join(dir, '.sandbox'),
    latencyScale: 0,
    faults: [],
    machines: () => machines,
    k3s: packK3s(cache),
  })
  t.teardown(async () => {
    await machines.end()
    await box.leave()
    rmSync(dir, { recursive: true, force: true })
  })
  const flow = new AbortController()
  const started = performance.now()
  const bootstrap = runIn(dir, 'bootstrap.mts', [], { env: box.env, interrupt: flow.signal })
  const look = (command: string) => machines.ask('main-1', command)
  const finished = async () => (await look('ls /var/lib/regrow'))?.includes('finished') === true

  await until('the machine exists', async () => exists(machines))
  const cuts: string[] = []
  for (const step of ['fetch', 'host', 'k3s', 'argocd']) {
    const begun = step === 'fetch' ? 'pgrep -f /usr/local/sbin/regrow' : `pgrep -f steps/${step}.sh`
    await until(`${step} begins`, async () => /\d/.test((await look(begun)) ?? ''))
    await machines.cut('main-1')
    cuts.push(`start of ${step}`)
    await machines.power('main-1')
    await until(
      `${step} is done`,
      async () => (await look('ls /var/lib/regrow/done'))?.includes(step) === true,
    )
    await machines.cut('main-1')
    cuts.push(`end of ${step}`)
    await machines.power('main-1')
  }
  await until('the node is finished', finished)
  t.equal(cuts.length, 8, cuts.join(', '))
  t.comment(
    `finished after ${Math.round((performance.now() - started) / 1000)} s and ${cuts.length} power cuts`,
  )

  t.match(await look('cloud-init status --wait'), /status: done/, 'cloud-init ended well')
  t.equal(await look('systemctl is-active regrow.service'), 'inactive\n', 'the unit is idle after success')
  t.match(await look('swapon --show=NAME,SIZE --noheadings'), '/swapfile')
  t.equal(await look('sysctl -n vm.swappiness net.ipv4.ip_forward'), '20\n1\n')
  t.match(await look('findmnt -no OPTIONS /'), 'rw')
  await t.test('the metadata service: open to the host, closed to pods, also after reboot', async (t) => {
    await look(podNetwork)
    const ask = 'curl -s -m 3 http://169.254.169.254/metadata/v1/id'
    t.match(await look(ask), /^\d+$/)
    t.equal(await look(`ip netns exec pod ${ask}; echo $?`), '28\n', 'a pod waits in vain')
    t.equal(await look('ip netns exec pod curl -s -m 3 http://198.18.0.4:8000/ -o /dev/null; echo $?'), '0\n')
  })
  await t.test('nothing secret is left where others can read it', async (t) => {
    const files = await look(
      "find / -xdev -type f -perm -o=r -size -1M -exec grep -lE 'X-Amz-Signature=|PRIVATE KEY-----' {} + 2>/dev/null | grep -vE '^/(usr|proc|sys)/'",
    )
    t.equal(files, '', 'no signed URL and no key in a file that everybody may read')
    t.notMatch(await look('cat /var/log/cloud-init*.log'), 'X-Amz-Signature')
    t.notMatch(await look('ps -eo args'), 'X-Amz-Signature')
    t.notMatch(await look('ls /var/lib/cloud/instances/*/'), 'user-data.txt')
    t.same(await look('ls /var/lib/regrow/bundle/kubernetes /var/lib/regrow/bundle/k3s 2>/dev/null'), '')
  })
  flow.abort()
  const ended = await bootstrap
  for (const step of ['started', 'fetch', 'host', 'k3s', 'argocd'])
    t.match(ended.err, `main-1: ${step}`, `${step} was reported`)
  t.match(ended.err, 'node main-1  Ready', 'the kubeconfig known beforehand opens its API')
  await machines.cut('main-1')
  await machines.power('main-1')
  await until('it is back', async () => (await look('systemctl is-active k3s.service')) === 'active\n')
  t.equal(await look('systemctl is-active regrow.service'), 'inactive\n', 'and idle after a reboot')
  t.match(await look('nft list table ip regrow'), 'drop', 'the metadata service is closed again')
}

/** A namespace with an address of the pods' range behind a bridge, as k3s' network has them. */
const podNetwork = `ip netns add pod 2>/dev/null; ip link add cni0 type bridge; ip addr add 10.42.0.1/24 dev cni0; ip link set cni0 up; ip link add veth0 type veth peer name eth0 netns pod; ip link set veth0 master cni0 up; ip -n pod addr add 10.42.0.9/24 dev eth0; ip -n pod link set eth0 up; ip -n pod route add default via 10.42.0.1; nft 'add table ip standin; add chain ip standin post { type nat hook postrouting priority 100; }; add rule ip standin post ip saddr 10.42.0.0/16 ip daddr != 10.42.0.0/16 masquerade'`

function exists(machines: VirtualMachines): boolean {
  try {
    return machines.machine('main-1') !== undefined
  } catch {
    return false
  }
}

async function until(wish: string, look: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 10 * minutes
  while (!(await look())) {
    if (Date.now() > end) throw new Error(`not within 10 minutes: ${wish}`)
    await sleep(300)
  }
}
