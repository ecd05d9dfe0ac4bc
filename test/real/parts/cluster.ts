import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeCertificate } from '#cloud-init/certificates.ts'
import type { Hardware } from '../../../sandbox/machines.ts'
import type { World } from '../../../sandbox/world.ts'
import type { Machine } from '../node/machine.ts'
import { Api } from './api.ts'
import { startControlPlane } from './control-plane.ts'
import { Csi } from './csi.ts'
import { openEntrances } from './entrance.ts'
import { Kubelet } from './kubelet.ts'
import { Loop } from './loop.ts'
import { type Mirror, mirrored } from './mirror.ts'
import { partFolder, program } from './parts.ts'
import type { Processes } from './processes.ts'

/** Real Kubernetes behind the box: etcd, API server, controllers, scheduler; kwok for nodes and pods. */
export interface PartsCluster {
  api: Api
  kubeconfig: string
  processes: Processes
  /** Milliseconds from the start of its first program until the API was ready. */
  readyAfter: number
  /** A machine joins as a node. */
  join(hardware: Hardware, config: Record<string, unknown>): Promise<void>
  stop(): Promise<void>
}

/** Starts what k3s would have started on its first server. */
export async function startPartsCluster(
  world: World,
  hardware: Hardware,
  machine: Machine,
  config: Record<string, unknown>,
  mirror: Mirror,
): Promise<PartsCluster> {
  const tls = (name: string) => machine.read(`var/lib/rancher/k3s/server/tls/${name}`)
  const pair = (name: string) => ({ cert: tls(`${name}-ca.crt`), key: tls(`${name}-ca.key`) })
  const folder = world.path('parts', String(hardware.id))
  mkdirSync(folder, { recursive: true })
  const { publicAddress: host } = hardware
  const port = world.addresses.apiPort
  const began = performance.now()
  const plane = await startControlPlane({
    folder,
    authorities: {
      server: pair('server'),
      client: pair('client'),
      requestHeader: pair('request-header'),
      etcdPeer: pair('etcd/peer'),
      etcdServer: pair('etcd/server'),
      serviceKey: tls('service.key'),
    },
    host,
    port,
    names: [...(config['tls-san'] as string[]), hardware.privateAddress],
    serviceCidr: String(config['service-cidr']),
  })
  const readyAfter = performance.now() - began
  const { processes, kubeconfig } = plane
  const manager = await plane.kubeconfigFor('system:kube-controller-manager')
  processes.start('kube-controller-manager', program('kube-controller-manager'), [
    `--kubeconfig=${manager}`,
    `--bind-address=${host}`,
    `--root-ca-file=${join(folder, 'tls/server-ca.crt')}`,
    `--service-account-private-key-file=${join(folder, 'tls/service.key')}`,
    '--use-service-account-credentials=true',
    '--leader-elect=false',
  ])
  const scheduler = await plane.kubeconfigFor('system:kube-scheduler')
  processes.start('kube-scheduler', program('kube-scheduler'), [
    `--kubeconfig=${scheduler}`,
    `--bind-address=${host}`,
    '--leader-elect=false',
  ])
  const stages = join(folder, 'stages.yaml')
  writeFileSync(stages, stageTexts().join('\n---\n'))
  processes.start('kwok', program('kwok'), [
    ...['--kubeconfig', kubeconfig, '--manage-all-nodes=true', '--config', stages],
    ...['--server-address', `${host}:10247`],
  ])
  processes.start('kubectl-proxy', join(process.env.REGROW_TOOLS ?? '', 'kubectl'), [
    ...['--kubeconfig', kubeconfig, 'proxy', '--address', host, '--port', '8001', '--accept-hosts', '.*'],
  ])
  const api = new Api(`http://${host}:8001`)
  await answers(api)
  const { github } = world.addresses
  const relays: Server[] = []
  const machines = new Set<string>()
  const kubelet = new Kubelet({
    ...{ api, machines },
    processes,
    folder: join(folder, 'pods'),
    server: { host, port },
    serverCa: tls('server-ca.crt'),
    address: (nth) => world.addresses.host(211, nth % 250),
    proxy: await mirror.proxy(
      await makeCertificate(pair('server'), {
        now: new Date(),
        name: 'mirror',
        usage: 'server',
        names: mirrored,
      }),
    ),
    git: `http://${github.host}:${github.port}`,
    store: world.addresses.spaces,
    relay: (path, to, at) =>
      new Promise((resolve) => {
        const server = createServer((socket) => {
          const onward = connect({ port: at, host: to, noDelay: true })
          socket.pipe(onward).pipe(socket)
          for (const end of [socket, onward])
            end.on('error', () => [socket, onward].map((one) => one.destroy()))
        })
        relays.push(server)
        server.listen(path, resolve)
      }),
    volume: async (namespace, claim) => {
      const found = await api.find(`/api/v1/namespaces/${namespace}/persistentvolumeclaims/${claim}`)
      const volume = await api.find(`/api/v1/persistentvolumes/${found?.spec?.volumeName}`)
      const { csi } = (volume?.spec ?? {}) as { csi?: { volumeHandle: string } }
      return world.path('volumes', csi?.volumeHandle ?? 'none')
    },
  })
  const csi = new Csi(world, api)
  const loops = [
    new Loop('kubelet of the parts', () => kubelet.sync()),
    new Loop('CSI of the parts', () => csi.sync()),
    new Loop('entrance of the parts', () => openEntrances(api, host)),
  ]
  return {
    api,
    kubeconfig,
    processes,
    readyAfter,
    join: (joining, itsConfig) => {
      if (joining.publicAddress) machines.add(joining.name)
      return register(api, joining, itsConfig)
    },
    stop: async () => {
      await Promise.all(loops.map((loop) => loop.stop()))
      await processes.stop()
      for (const relay of relays) relay.close()
    },
  }
}

/** kwok's own stages, which lie in several files. */
function stageTexts(): string[] {
  const root = join(partFolder('kwok'), 'stages')
  return ['node/fast', 'node/heartbeat', 'pod/fast'].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.yaml') && name !== 'kustomization.yaml')
      .map((name) => readFileSync(join(root, folder, name), 'utf8')),
  )
}

async function answers(api: Api): Promise<void> {
  for (let attempt = 1; ; attempt++)
    try {
      await api.list('/api/v1/nodes')
      return
    } catch (error) {
      if (attempt === 200) throw error
      await sleep(100)
    }
}

/** The Node of a machine as k3s and the CSI registrar would write it; kwok makes it ready. */
async function register(api: Api, hardware: Hardware, config: Record<string, unknown>): Promise<void> {
  const name = String(config['node-name'])
  const server = config['cluster-cidr'] !== undefined
  const given = ((config['node-label'] ?? []) as string[]).map((one) => one.split('='))
  await api.apply(`/api/v1/nodes/${name}`, {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        region: hardware.region,
        ...(server ? { 'node-role.kubernetes.io/control-plane': 'true' } : {}),
        ...Object.fromEntries(given),
      },
      annotations: {
        'csi.volume.kubernetes.io/nodeid': JSON.stringify({
          'dobs.csi.digitalocean.com': String(hardware.id),
        }),
      },
    },
    spec: { providerID: `k3s://${name}` },
  })
}
