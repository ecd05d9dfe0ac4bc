import { type ChildProcess, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fingerprintOf } from '../../../sandbox/github/state.ts'
import type { Api } from './api.ts'
import type { KubeObject } from './kubectl.ts'
import { allowance, type Resources } from './memory-groups.ts'
import { program } from './parts.ts'
import type { Processes } from './processes.ts'

// STOOD IN: kwok says that every pod runs. Here the containers whose programs we have really do, as processes in
// bubblewrap: with the arguments, environment, mounts and service account of their pod, on the host's network.

/** What the processes of pods get from their surroundings. */
export interface Surroundings {
  api: Api
  /** The nodes with a machine; pods on others are kwok's alone. */
  machines: ReadonlySet<string>
  processes: Processes
  /** A folder for mounts and logs. */
  folder: string
  /** Address and port at which pods reach the API. */
  server: { host: string; port: number }
  serverCa: string
  /** A loopback address for the nth pod. */
  address(nth: number): string
  /** Where Argo CD finds what it would fetch from outside. */
  proxy: string
  git: string
  /** The object store. */
  store: { host: string; port: number }
  /** Leads a socket in the file system to an address. */
  relay(path: string, host: string, port: number): Promise<void>
  /** The folder with the bytes of a claim's volume. */
  volume(namespace: string, claim: string): Promise<string>
}

interface Container {
  name: string
  image: string
  command?: string[]
  args?: string[]
  env?: EnvVar[]
  volumeMounts?: { name: string; mountPath: string; subPath?: string }[]
  resources?: Resources
}
interface Reference {
  name: string
  key: string
  optional?: boolean
}
interface EnvVar {
  name: string
  value?: string
  valueFrom?: {
    secretKeyRef?: Reference
    configMapKeyRef?: Reference
    fieldRef?: { fieldPath: string }
  }
}
interface Volume {
  name: string
  secret?: { secretName: string }
  configMap?: { name: string }
  persistentVolumeClaim?: { claimName: string }
}
interface Pod extends KubeObject {
  metadata: KubeObject['metadata'] & { uid: string; namespace: string; labels?: Record<string, string> }
  spec: {
    nodeName: string
    serviceAccountName?: string
    restartPolicy?: string
    containers: Container[]
    volumes?: Volume[]
  }
}

/** A program for an image: its file, what its path in the sandbox is, and arguments that keep worlds apart. */
interface Runner {
  file: string
  words(container: Container, address: string): string[] | undefined
  /** In a network of its own, because it insists on ports; the API and the object store are relayed into it. */
  apart?: boolean
  env?(pod: Pod): Promise<Record<string, string>>
  mounts?: [string, string][]
}

/** Runs the programs of pods. */
export class Kubelet {
  readonly #at: Surroundings
  readonly #running = new Map<string, ChildProcess>()
  readonly #addresses = new Map<string, string>()

  constructor(at: Surroundings) {
    this.#at = at
    mkdirSync(at.folder, { recursive: true })
    writeFileSync(join(at.folder, 'hosts'), '127.0.0.1 localhost\n')
  }

  get #gitConfig(): string {
    return join(this.#at.folder, 'gitconfig')
  }

  /** Does what there is to do now. */
  async sync(): Promise<void> {
    const { api } = this.#at
    const pods = (await api.list('/api/v1/pods')) as Pod[]
    const alive = pods.filter(
      ({ metadata, spec, status }) =>
        this.#at.machines.has(spec.nodeName) && status?.phase === 'Running' && !metadata.deletionTimestamp,
    )
    const keys = new Set(
      alive.flatMap((pod) => pod.spec.containers.map((one) => `${pod.metadata.uid}/${one.name}`)),
    )
    for (const [key, child] of this.#running)
      if (!keys.has(key)) {
        child.kill('SIGTERM')
        this.#running.delete(key)
      }
    for (const pod of alive)
      if (!this.#addresses.has(pod.metadata.uid))
        this.#addresses.set(pod.metadata.uid, this.#at.address(this.#addresses.size + 1))
    await this.#nameServices(alive)
    for (const pod of alive)
      for (const container of pod.spec.containers) {
        const key = `${pod.metadata.uid}/${container.name}`
        const known = this.#running.get(key)
        // A program that ended is started again, as the real kubelet would.
        if (!known || known.exitCode !== null) await this.#run(key, pod, container)
      }
  }

  /** Service names lead to the first pod that they select. */
  async #nameServices(pods: Pod[]): Promise<void> {
    const services = await this.#at.api.list('/api/v1/services')
    const lines = services.flatMap(({ metadata, spec }) => {
      const selector = Object.entries((spec?.selector ?? {}) as Record<string, string>)
      const pod = pods.find(
        (one) =>
          one.metadata.namespace === metadata.namespace &&
          selector.length > 0 &&
          selector.every(([key, value]) => one.metadata.labels?.[key] === value),
      )
      const address = pod && this.#addresses.get(pod.metadata.uid)
      const { name, namespace } = metadata
      return address
        ? [
            `${address} ${name} ${name}.${namespace} ${name}.${namespace}.svc ${name}.${namespace}.svc.cluster.local`,
          ]
        : []
    })
    writeFileSync(join(this.#at.folder, 'hosts'), `127.0.0.1 localhost\n${lines.join('\n')}\n`)
  }

  async #run(key: string, pod: Pod, container: Container): Promise<void> {
    if ((container.args ?? []).some((word) => word.endsWith('/argocd-server'))) {
      await this.#at.api.apply(projectPath, project)
      this.#running.set(key, this.#at.processes.start('argocd-server', 'sleep', ['infinity']))
      return
    }
    const runner = this.#runnerOf(container)
    const address = this.#addresses.get(pod.metadata.uid) ?? ''
    const words = runner?.words(container, address)
    if (!runner || !words) return
    const env = { ...(await this.#environment(pod, container, address)), ...(await runner.env?.(pod)) }
    const expanded = words.map((word) => word.replace(/\$\(([A-Z_]+)\)/g, (all, name) => env[name] ?? all))
    const mounts = [...(await this.#mounts(pod, container)), ...(runner.mounts ?? [])]
    const name = `${pod.metadata.namespace}-${container.name}`
    const bound = mounts.flatMap(([from, to]) => ['--bind', from, to])
    const file = `/app/${basename(runner.file)}`
    const last = join(this.#at.folder, `${pod.metadata.uid}.termination`)
    // On a disk, as a container's own files are: kopia keeps up to 5 GB there, which in memory would count as the pod's.
    const own = join(this.#at.folder, `${pod.metadata.uid}-${container.name}`)
    mkdirSync(own, { recursive: true })
    writeFileSync(last, '')
    // So that the pages of its file are counted as its own, as on a machine that runs it alone.
    spawnSync('dd', [`if=${runner.file}`, 'iflag=nocache', 'count=0', 'status=none'])
    const child = this.#at.processes.start(
      name,
      'bwrap',
      [
        ...root(this.#at.folder),
        ...['--bind', own, '/tmp'],
        ...bound,
        ...['--bind', last, '/dev/termination-log', '--ro-bind', runner.file, file],
        ...(runner.apart ? await this.#relayed(file) : ['--', file]),
        ...expanded,
      ],
      { env, memory: allowance(container.resources) },
    )
    this.#running.set(key, child)
    if (pod.spec.restartPolicy === 'Never')
      child.once('exit', (code) => void this.#ended(pod, container, code ?? 1, readFileSync(last, 'utf8')))
  }

  /** Words that give a program a loopback of its own, on which the API and the object store lie as outside. */
  async #relayed(file: string): Promise<string[]> {
    const { server, store, folder } = this.#at
    const relays = [server, store].map(async ({ host, port }) => {
      const path = join(folder, `${host}-${port}.sock`)
      if (!existsSync(path)) await this.#at.relay(path, host, port)
      const there = `/relay/${basename(path)}`
      return { path, there, listen: `TCP-LISTEN:${port},bind=${host},fork,reuseaddr,nodelay` }
    })
    const all = await Promise.all(relays)
    const lines = all.map(({ listen, there }) => `socat ${listen} UNIX-CONNECT:${there} &`)
    return [
      ...['--unshare-net', '--unshare-pid'],
      ...all.flatMap(({ path, there }) => ['--bind', path, there]),
      ...['--', '/bin/sh', '-c', `${lines.join(' ')} sleep 0.3; exec "$0" "$@"`, file],
    ]
  }

  /** Says how a pod ended that is not to be started again. */
  async #ended(pod: Pod, container: Container, exitCode: number, message: string): Promise<void> {
    const { namespace, name } = pod.metadata
    const terminated = { exitCode, message, reason: exitCode === 0 ? 'Completed' : 'Error' }
    const state = { name: container.name, ready: false, restartCount: 0, image: container.image, imageID: '' }
    const status = {
      phase: exitCode === 0 ? 'Succeeded' : 'Failed',
      containerStatuses: [{ ...state, state: { terminated } }],
    }
    const path = `/api/v1/namespaces/${namespace}/pods/${name}/status`
    await this.#at.api
      .call('PATCH', path, { status }, 'application/merge-patch+json')
      .catch((error: Error) => process.stderr.write(`! kubelet of the parts: ${error.message}\n`))
  }

  #runnerOf({ image }: Container): Runner | undefined {
    const { proxy, git } = this.#at
    if (/\/argoproj\/argocd:/.test(image))
      return {
        file: program('argocd'),
        words: ({ command = [], args = [] }, address) => {
          const [name = '', ...rest] = [...command, ...args]
          if (name.endsWith('argocd-repo-server'))
            return ['repo-server', ...rest, '--address', address, '--metrics-address', address]
          // Its metrics have no address of their own, only a port.
          return name.endsWith('argocd-application-controller')
            ? ['application-controller', ...rest, '--metrics-port', String(portFrom(address))]
            : undefined
        },
        env: async (pod) => {
          await this.#gitOverHttp(pod, git)
          return {
            ARGOCD_GPG_ENABLED: 'false',
            HTTPS_PROXY: proxy,
            NO_PROXY: 'argocd-repo-server,argocd-redis',
            SSL_CERT_FILE: `${accountPath}/ca.crt`,
            REGROW_GIT_MIRROR: git,
          }
        },
        mounts: [
          [this.#gitConfig, '/etc/gitconfig'],
          [program('kustomize'), '/usr/local/bin/kustomize'],
          [join(process.env.REGROW_TOOLS ?? '', 'helm'), '/usr/local/bin/helm'],
        ],
      }
    if (/\/velero:v/.test(image))
      return {
        file: join(process.env.REGROW_TOOLS ?? '', 'velero'),
        words: ({ command = [], args = [] }) => [...command.slice(1), ...args],
        apart: true,
        mounts: [[program('velero-plugin-for-aws'), '/plugins/velero-plugin-for-aws']],
      }
    if (/sealed-secrets-controller:/.test(image))
      return {
        file: program('sealed-secrets'),
        // Not its usual 8080: a Velero that runs beside another cluster takes that on every address.
        words: ({ args = [] }, address) => [
          ...args,
          ...['--listen-addr', `${address}:8090`, '--listen-metrics-addr', `${address}:8091`],
        ],
      }
    if (/\/redis:/.test(image))
      return {
        file: '/usr/bin/redis-server',
        words: ({ args = [] }, address) => [...args, '--bind', address],
      }
    return undefined
  }

  /** Git's own program asks the mirror too, with the deploy key's fingerprint in place of SSH. */
  async #gitOverHttp(pod: Pod, git: string): Promise<void> {
    const secret = await this.#at.api.find(
      `/api/v1/namespaces/${pod.metadata.namespace}/secrets/regrow-repository`,
    )
    const key = decoded(secret?.data?.sshPrivateKey)
    const login = key ? Buffer.from(`deploy-key:${fingerprintOf(key)}`).toString('base64') : ''
    writeFileSync(
      this.#gitConfig,
      [
        `[url "${git}/"]`,
        'insteadOf = git@github.com:',
        `[http "${git}/"]`,
        `extraHeader = Authorization: Basic ${login}\n`,
      ].join('\n'),
    )
  }

  async #environment(
    { metadata, spec }: Pod,
    container: Container,
    address: string,
  ): Promise<Record<string, string>> {
    const { api, server } = this.#at
    const env: Record<string, string> = {
      PATH: '/usr/local/bin:/usr/bin:/bin',
      HOME: '/tmp',
      HOSTNAME: metadata.name,
      KUBERNETES_SERVICE_HOST: server.host,
      KUBERNETES_SERVICE_PORT: String(server.port),
    }
    const fields: Record<string, string> = {
      'metadata.name': metadata.name,
      'metadata.namespace': metadata.namespace,
      'spec.nodeName': spec.nodeName,
      'status.podIP': address,
    }
    for (const { name, value, valueFrom = {} } of container.env ?? []) {
      const { secretKeyRef, configMapKeyRef, fieldRef } = valueFrom
      const at = `/api/v1/namespaces/${metadata.namespace}`
      let found = value ?? fields[fieldRef?.fieldPath ?? '']
      if (secretKeyRef)
        found = decoded((await api.find(`${at}/secrets/${secretKeyRef.name}`))?.data?.[secretKeyRef.key])
      if (configMapKeyRef)
        found = (await api.find(`${at}/configmaps/${configMapKeyRef.name}`))?.data?.[configMapKeyRef.key]
      if (found !== undefined) env[name] = found
    }
    return env
  }

  async #mounts({ metadata, spec }: Pod, container: Container): Promise<[string, string][]> {
    const folder = join(this.#at.folder, createHash('sha256').update(metadata.uid).digest('hex').slice(0, 12))
    const account = join(folder, 'account')
    await this.#account(metadata.namespace, spec.serviceAccountName ?? 'default', account)
    const mounts: [string, string][] = [[account, accountPath]]
    for (const { name, mountPath, subPath } of container.volumeMounts ?? []) {
      if (own.includes(mountPath)) continue
      const volume = spec.volumes?.find((one) => one.name === name)
      const at = volume && (await this.#volume(metadata.namespace, volume, join(folder, 'volumes', name)))
      if (at) mounts.push([subPath ? join(at, subPath) : at, mountPath])
    }
    return mounts
  }

  async #volume(namespace: string, volume: Volume, folder: string): Promise<string> {
    const { api } = this.#at
    if (volume.persistentVolumeClaim)
      return this.#at.volume(namespace, volume.persistentVolumeClaim.claimName)
    mkdirSync(folder, { recursive: true })
    const at = `/api/v1/namespaces/${namespace}`
    const secret = volume.secret && (await api.find(`${at}/secrets/${volume.secret.secretName}`))
    const map = volume.configMap && (await api.find(`${at}/configmaps/${volume.configMap.name}`))
    for (const [key, value] of Object.entries(secret?.data ?? {}))
      writeFileSync(join(folder, key), Buffer.from(value, 'base64'))
    for (const [key, value] of Object.entries(map?.data ?? {})) writeFileSync(join(folder, key), value)
    return folder
  }

  async #account(namespace: string, name: string, folder: string): Promise<void> {
    if (existsSync(folder)) return
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`
    const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} }
    const answer = (await this.#at.api.call('POST', path, request)) as
      | { status: { token: string } }
      | undefined
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'token'), answer?.status.token ?? '')
    writeFileSync(join(folder, 'ca.crt'), this.#at.serverCa)
    writeFileSync(join(folder, 'namespace'), namespace)
  }
}

// STOOD IN: Argo CD's server needs modules that cannot be had; of its work this is what the others depend on.
const projectPath = '/apis/argoproj.io/v1alpha1/namespaces/argocd/appprojects/default'
const project = {
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'AppProject',
  metadata: { name: 'default' },
  spec: {
    sourceRepos: ['*'],
    destinations: [{ server: '*', namespace: '*' }],
    clusterResourceWhitelist: [{ group: '*', kind: '*' }],
  },
}

const accountPath = '/var/run/secrets/kubernetes.io/serviceaccount'

/** Mounts that are made here, whatever the pod says of them. */
const own = [accountPath, '/tmp', '/plugins']

/** A root of its own with the host's programs, read-only. */
const root = (folder: string) => [
  ...['--die-with-parent', '--ro-bind', '/usr', '/usr', '--tmpfs', '/usr/local'],
  ...['bin', 'sbin', 'lib', 'lib64'].flatMap((name) => ['--symlink', `usr/${name}`, `/${name}`]),
  ...['--ro-bind', '/etc/passwd', '/etc/passwd', '--ro-bind', join(folder, 'hosts'), '/etc/hosts'],
  ...['--proc', '/proc', '--dev', '/dev'],
]

const decoded = (text: string | undefined) =>
  text === undefined ? undefined : Buffer.from(text, 'base64').toString()

/** A port that follows from an address, for programs that bind all addresses. */
const portFrom = (address: string) => {
  const [, second = 0, , fourth = 0] = address.split('.').map(Number)
  return 20_000 + second * 100 + fourth
}
