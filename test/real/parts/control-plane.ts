import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  authorityFiles,
  type ClusterAuthorities,
  type KeyAndCertificate,
  makeCertificate,
  makeClusterAuthorities,
  makeOperatorCertificate,
} from '#cloud-init/certificates.ts'
import { apiServerArguments } from '#cloud-init/k3s.ts'
import { renderKubeconfig } from '#cloud-init/kubeconfig.ts'
import { cloudInitFile } from '#cloud-init/template.ts'
import { drawRange } from '../../../sandbox/address-range.ts'
import { kubectl } from './kubectl.ts'
import { program } from './parts.ts'
import { Processes } from './processes.ts'

/** A real etcd and kube-apiserver on the authorities of a cluster. */
export interface ControlPlane {
  /** Where its data, keys and logs lie. */
  folder: string
  /** A kubeconfig of `system:masters`. */
  kubeconfig: string
  processes: Processes
  /** Writes a kubeconfig for one of the cluster's own parts, such as `system:kube-scheduler`. @returns its path */
  kubeconfigFor(name: string, organization?: string): Promise<string>
}

/** Where and how a control plane runs; names and addresses are those its certificate speaks for. */
export interface ControlPlaneWish {
  /** A folder for data, keys and logs. */
  folder: string
  authorities: ClusterAuthorities
  host: string
  port: number
  names: string[]
  serviceCidr?: string
}

/** The name by which regrow's kubeconfigs check a server. */
export const tlsName = 'main.regrow.internal'

/** Starts etcd and kube-apiserver and waits until the API is ready. @throws Error with what the API server said */
export async function startControlPlane(wish: ControlPlaneWish): Promise<ControlPlane> {
  const { folder, authorities, host, port } = wish
  const now = new Date()
  const file = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text, { mode: 0o600 })
    return join(folder, path)
  }
  for (const [path, text] of Object.entries(authorityFiles(authorities))) file(`tls/${path}`, text)
  const pair = (name: string, { cert, key }: KeyAndCertificate) => [
    file(`tls/${name}.crt`, cert),
    file(`tls/${name}.key`, key),
  ]
  const [serving = '', servingKey = ''] = pair(
    'serving',
    await makeCertificate(authorities.server, {
      now,
      name: 'kube-apiserver',
      usage: 'server',
      names: [host, ...wish.names, 'kubernetes.default.svc', 'localhost', '127.0.0.1'],
    }),
  )
  const [front = '', frontKey = ''] = pair(
    'front-proxy',
    await makeCertificate(authorities.requestHeader, { now, name: 'system:auth-proxy', usage: 'client' }),
  )
  const kubeconfigOf = ({ cert, key }: KeyAndCertificate, name: string) => {
    const ca = authorities.server.cert
    const server = `https://${host}:${port}`
    return file(
      `kubeconfig/${name.replaceAll(':', '-')}`,
      renderKubeconfig({ cluster: 'parts', server, tlsServerName: 'localhost', ca, cert, key }),
    )
  }
  const processes = new Processes(join(folder, 'logs'))
  const operator = await makeOperatorCertificate(authorities, { now })
  const kubeconfig = kubeconfigOf(operator, 'operator')
  const etcd = `http://${host}:${port + 1}`
  processes.start('etcd', program('etcd'), [
    ...['--data-dir', join(folder, 'etcd'), '--log-level', 'warn', '--unsafe-no-fsync'],
    ...['--listen-client-urls', etcd, '--advertise-client-urls', etcd],
    ...['--listen-peer-urls', `http://${host}:${port + 2}`],
  ])
  const tls = (path: string) => join(folder, 'tls', path)
  // What the bundle tells the API server, with the machine's paths in this folder.
  for (const name of ['audit.yaml', 'admission.yaml']) file(`policies/${name}`, cloudInitFile(name))
  const asShipped = apiServerArguments.map(
    (one) =>
      `--${one.replace('/etc/rancher/k3s', join(folder, 'policies')).replace('/var/lib/rancher/k3s/server', folder)}`,
  )
  processes.start('kube-apiserver', program('kube-apiserver'), [
    `--etcd-servers=${etcd}`,
    `--bind-address=${host}`,
    `--secure-port=${port}`,
    // What it would publish as its own address is a loopback one, which no Endpoints object may hold.
    '--endpoint-reconciler-type=none',
    '--allow-privileged=true',
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    `--service-cluster-ip-range=${wish.serviceCidr ?? '10.43.0.0/16'}`,
    `--tls-cert-file=${serving}`,
    `--tls-private-key-file=${servingKey}`,
    `--client-ca-file=${tls('client-ca.crt')}`,
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    `--service-account-key-file=${tls('service.key')}`,
    `--service-account-signing-key-file=${tls('service.key')}`,
    `--requestheader-client-ca-file=${tls('request-header-ca.crt')}`,
    '--requestheader-allowed-names=system:auth-proxy',
    '--requestheader-extra-headers-prefix=X-Remote-Extra-',
    '--requestheader-group-headers=X-Remote-Group',
    '--requestheader-username-headers=X-Remote-User',
    `--proxy-client-cert-file=${front}`,
    `--proxy-client-key-file=${frontKey}`,
    ...asShipped,
  ])
  await answering(kubeconfig, processes)
  return {
    folder,
    kubeconfig,
    processes,
    kubeconfigFor: async (name, organization) =>
      kubeconfigOf(
        await makeCertificate(authorities.client, {
          now,
          name,
          usage: 'client',
          ...(organization ? { organization } : {}),
        }),
        name,
      ),
  }
}

/** A control plane of authorities of its own, which is gone when the test ends. */
export async function controlPlaneOf(t: { teardown(end: () => Promise<void>): void }): Promise<ControlPlane> {
  const own = await drawRange()
  if (!own) throw new Error('no range of loopback addresses is free')
  t.teardown(own.release)
  const folder = mkdtempSync(join(tmpdir(), 'regrow-parts-'))
  const plane = await startControlPlane({
    folder,
    authorities: await makeClusterAuthorities({ now: new Date() }),
    host: `${own.range}.9.1`,
    port: 6443,
    names: [tlsName],
  })
  t.teardown(async () => {
    await plane.processes.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  return plane
}

async function answering(kubeconfig: string, processes: Processes): Promise<void> {
  const giveUp = performance.now() + 120_000
  while ((await kubectl(kubeconfig, ['get', '--raw=/readyz'])).out !== 'ok') {
    const [ended] = processes.ended()
    if (ended) throw new Error(`${ended} ended:\n${processes.tail(ended)}`)
    if (performance.now() > giveUp)
      throw new Error(`the API server is not ready:\n${processes.tail('kube-apiserver')}`)
    await sleep(100)
  }
}
