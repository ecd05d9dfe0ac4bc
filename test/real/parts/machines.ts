import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { load } from 'js-yaml'
import type { Hardware, Machines } from '../../../sandbox/machines.ts'
import type { World } from '../../../sandbox/world.ts'
import { applyUserData, type Machine, makeMachine } from '../node/machine.ts'
import { type PartsCluster, startPartsCluster } from './cluster.ts'
import type { Mirror } from './mirror.ts'

/** What the harness shows to tests of its clusters. */
export interface Fleet {
  machines: Machines
  /** The cluster that runs, once a first server has started its k3s. */
  cluster(): PartsCluster | undefined
}

/**
 * Droplets that run the real user-data script and the real steps by bash, in a folder that plays their disk.
 * STOOD IN: systemd, kernel modules, swap and addresses (test/real/node/machine.ts), and k3s: where its unit is started,
 * the real Kubernetes starts on the authorities and the configuration that the steps placed. One server at a time, and
 * while a machine is off, its node stays Ready and a server's API answers.
 */
export function partsFleet(world: World, mirror: () => Mirror): Fleet {
  const on = new Map<number, { machine: Machine; hardware: Hardware; ended: boolean }>()
  const routes = new Map<string, { dropletId: number | undefined; server?: Server }>()
  let cluster: PartsCluster | undefined
  const forward = async (address: string) => {
    const route = routes.get(address)
    route?.server?.close()
    const there = on.get(route?.dropletId ?? 0)?.hardware.publicAddress
    if (!route || !there) return
    // What a reserved address does: packets for it reach the droplet that it leads to.
    const server = createServer((socket) => {
      const onward = connect(world.addresses.apiPort, there)
      socket.pipe(onward).pipe(socket)
      for (const end of [socket, onward]) end.on('error', () => [socket, onward].map((one) => one.destroy()))
    })
    server.listen(world.addresses.apiPort, address)
    route.server = server
  }
  world.atEnd(async () => {
    for (const { server } of routes.values()) server?.close()
    for (const one of on.values()) one.ended = true
    await cluster?.stop()
  })
  const boot = async (hardware: Hardware) => {
    // One that was powered off has its disk.
    const before = on.get(hardware.id)
    const machine = before?.machine ?? makeMachine({ teardown: (remove) => world.atEnd(remove) })
    const { publicAddress, privateAddress } = hardware
    const here = { machine, hardware, ended: false }
    on.set(hardware.id, here)
    machine.stub('ip', addresses(publicAddress, privateAddress))
    if (!before) applyUserData(machine, hardware.userData)
    const running = machine.run('usr/local/sbin/regrow', [], { REGROW_TOOLS: process.env.REGROW_TOOLS ?? '' })
    void running.ended.then(({ code, output }) => {
      writeFileSync(world.path('droplets', `${hardware.id}.log`), output)
      if (code !== 0 && !here.ended)
        process.stderr.write(`! droplet ${hardware.name}: ${output.slice(-2000)}\n`)
    })
    world.atEnd(() => void running.process.kill('SIGKILL'))
    const wanted = () => machine.calls().some((call) => /^systemctl start --no-block k3s/.test(call))
    while (!wanted()) {
      if (here.ended) return
      await sleep(50)
    }
    const config = configOf(machine)
    cluster ??= await startPartsCluster(world, hardware, machine, config, mirror())
    await cluster.join(hardware, config)
    for (const path of ['etc/rancher/k3s/k3s.yaml', 'var/lib/rancher/k3s/agent/kubelet.kubeconfig'])
      machine.write(path, readFileSync(cluster.kubeconfig, 'utf8'))
    for (const [address, { dropletId }] of routes) if (dropletId === hardware.id) await forward(address)
  }
  return {
    cluster: () => cluster,
    machines: {
      boot: async (hardware) => {
        void boot(hardware).catch((error: Error) =>
          process.stderr.write(`! droplet ${hardware.name}: ${error.stack}\n`),
        )
      },
      halt: async (id) => {
        const here = on.get(id)
        if (here) here.ended = true
      },
      destroy: async (id) => {
        const here = on.get(id)
        if (here) here.ended = true
        on.delete(id)
        if (on.size > 0) return
        await cluster?.stop()
        cluster = undefined
      },
      route: async (address, dropletId) => {
        const before = routes.get(address)
        before?.server?.close()
        routes.set(address, { dropletId })
        if (cluster) await forward(address)
      },
      plug: async () => {},
    },
  }
}

/** k3s' configuration as the steps left it. */
function configOf(machine: Machine): Record<string, unknown> {
  const folder = machine.path('etc/rancher/k3s/config.yaml.d')
  const more = existsSync(folder) ? readdirSync(folder).sort() : []
  const texts = ['config.yaml', ...more.map((name) => join('config.yaml.d', name))]
  return Object.assign({}, ...texts.map((name) => load(machine.read(`etc/rancher/k3s/${name}`))))
}

const addresses = (publicAddress: string, privateAddress: string) => `case "$*" in
  *'show default') echo 'default via 203.0.113.1 dev eth0 proto static' ;;
  *'addr show to '*) echo '3: eth1    inet ${privateAddress}/20 scope global eth1' ;;
  *'route get 192.0.2.1') echo '192.0.2.1 via 203.0.113.1 dev eth0 src ${publicAddress} uid 0' ;;
esac`
