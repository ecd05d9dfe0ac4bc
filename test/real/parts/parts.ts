import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parts as shipped, type ToolVersion, tools } from '../../../lib/cluster/versions.ts'
import { type Recipe, recipes, replacements } from './go-build.ts'

/** Somebody else's program, or files of theirs, that the real suite plays against. */
export interface Part {
  name: PartName
  /** Without its `v`. */
  version: string
  module: string
  /** How its program is built; none where only files are wanted. */
  build?: Omit<Recipe, 'module'>
  /** Its official release, where the makers publish one with checksums. */
  release?: Pick<ToolVersion, 'address' | 'sums' | 'member'>
  /** Files and folders that are taken from the module: name here, path there. */
  files?: Record<string, string>
}

const kubernetes = {
  version: tools.kubectl.version,
  module: recipes.kubectl.module,
}

const kubernetesCommand = (
  name: 'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler' | 'kubelet',
): Part => {
  const address = (os: string, arch: string) =>
    `https://dl.k8s.io/release/v${kubernetes.version}/bin/${os}/${arch}/${name}`
  return {
    ...kubernetes,
    name,
    build: { ...recipes.kubectl, command: `cmd/${name}` },
    release: { address, sums: (os, arch) => `${address(os, arch)}.sha256` },
  }
}

const etcd = '3.6.14'
const etcdRelease = `https://github.com/etcd-io/etcd/releases/download/v${etcd}`

// Its folder is beside the snapshotter's in their repository, under one version.
const snapshotClient = 'github.com/kubernetes-csi/external-snapshotter/client/v8'

/** One of the programs that stand between Kubernetes and a CSI driver. */
function sidecar(name: PartName, version: string, module: string): Part {
  return {
    name,
    version,
    module: `github.com/kubernetes-csi/${module}`,
    build: {
      command: `cmd/${name}`,
      settings: () => [`main.version=v${version}`],
      replace: (goMod) => [...replacements(goMod), `${snapshotClient} => ${snapshotClient} v8.6.0`],
    },
  }
}

/** The parts, in the order in which they are built: what most tests need first. */
export const parts: Part[] = [
  kubernetesCommand('kube-apiserver'),
  {
    name: 'etcd',
    version: etcd,
    module: 'go.etcd.io/etcd/server/v3',
    build: { command: '', settings: () => [] },
    release: {
      address: (os, arch) => `${etcdRelease}/etcd-v${etcd}-${os}-${arch}.tar.gz`,
      sums: () => `${etcdRelease}/SHA256SUMS`,
      member: (os, arch) => `etcd-v${etcd}-${os}-${arch}/etcd`,
    },
  },
  {
    name: 'argocd-kinds',
    version: '3.2.5',
    module: 'github.com/argoproj/argo-cd/v3',
    files: { crds: 'manifests/crds', 'install.yaml': 'manifests/install.yaml' },
  },
  {
    name: 'velero-kinds',
    version: tools.velero.version,
    module: recipes.velero.module,
    files: { v1: 'config/crd/v1/bases', v2alpha1: 'config/crd/v2alpha1/bases' },
  },
  {
    name: 'snapshot-kinds',
    version: '8.6.0',
    module: 'github.com/kubernetes-csi/external-snapshotter/client/v8',
    files: { crds: 'config/crd' },
  },
  {
    name: 'sealed-secrets',
    version: shipped['sealed-secrets'].app,
    module: 'github.com/bitnami-labs/sealed-secrets',
    build: { command: 'cmd/controller', settings: (version) => [`main.VERSION=${version}`] },
    files: { chart: 'helm/sealed-secrets' },
  },
  kubernetesCommand('kube-controller-manager'),
  kubernetesCommand('kube-scheduler'),
  {
    name: 'kwok',
    version: '0.8.0',
    module: 'sigs.k8s.io/kwok',
    build: { command: 'cmd/kwok', settings: () => [] },
    files: { stages: 'kustomize/stage' },
  },
  {
    name: 'argocd',
    version: '3.2.5',
    module: 'github.com/argoproj/argo-cd/v3',
    build: {
      command: { main: new URL('argocd/main.go', import.meta.url) },
      settings: (version) => [`github.com/argoproj/argo-cd/v3/common.version=${version}`],
      replace: replacements,
    },
  },
  {
    name: 'kustomize',
    version: '5.8.1',
    module: 'sigs.k8s.io/kustomize/kustomize/v5',
    build: {
      command: '',
      settings: (version) => [`sigs.k8s.io/kustomize/api/provenance.version=v${version}`],
    },
  },
  {
    name: 'velero-plugin-for-aws',
    version: shipped['velero-plugin-for-aws'].version.slice(1),
    module: 'github.com/vmware-tanzu/velero-plugin-for-aws',
    build: { command: 'velero-plugin-for-aws', settings: () => [] },
  },
  sidecar('csi-provisioner', '6.3.0', 'external-provisioner/v6'),
  sidecar('csi-attacher', '4.12.0', 'external-attacher/v4'),
  sidecar('csi-resizer', '2.2.0', 'external-resizer/v2'),
  sidecar('csi-snapshotter', '8.6.0', 'external-snapshotter/v8'),
  sidecar('snapshot-controller', '8.6.0', 'external-snapshotter/v8'),
  {
    ...kubernetes,
    name: 'csi-driver',
    build: { ...recipes.kubectl, command: { main: new URL('csi-driver/main.go', import.meta.url) } },
  },
  {
    name: 'actionlint',
    version: '1.7.12',
    module: 'github.com/rhysd/actionlint',
    build: { command: 'cmd/actionlint', settings: () => [] },
  },
  kubernetesCommand('kubelet'),
  {
    name: 'fake-runtime',
    version: kubernetes.version.replace(/^1\./, '0.'),
    module: 'k8s.io/cri-client',
    build: { command: { main: new URL('runtime/main.go', import.meta.url) }, settings: () => [] },
  },
]

export type PartName =
  | 'actionlint'
  | 'argocd'
  | 'argocd-kinds'
  | 'csi-attacher'
  | 'csi-driver'
  | 'csi-provisioner'
  | 'csi-resizer'
  | 'csi-snapshotter'
  | 'etcd'
  | 'fake-runtime'
  | 'kube-apiserver'
  | 'kube-controller-manager'
  | 'kube-scheduler'
  | 'kubelet'
  | 'kustomize'
  | 'kwok'
  | 'sealed-secrets'
  | 'snapshot-controller'
  | 'snapshot-kinds'
  | 'velero-kinds'
  | 'velero-plugin-for-aws'

/** Where the built parts lie: `REGROW_PARTS`; undefined where nobody says. */
export const partsFolder = (): string | undefined => process.env.REGROW_PARTS

/** A part's folder: its program under its own name, and its files. */
export function partFolder(name: PartName): string {
  const part = parts.find((one) => one.name === name)
  const command = part?.build?.command
  // A main of our own is built anew when it was changed.
  const own = command && typeof command !== 'string' ? `-${digest(command.main)}` : ''
  return join(partsFolder() ?? '', `${name}-v${part?.version}${own}`)
}

const digest = (file: URL) => createHash('sha256').update(readFileSync(file)).digest('hex').slice(0, 8)

/** A part's program. */
export const program = (name: PartName): string => join(partFolder(name), name)

/** Why a test that needs these programs of the distribution cannot run; false when all are there. */
export function missingPrograms(...names: string[]): string | false {
  const missing = names.filter((name) => spawnSync(name, ['--version']).error)
  if (missing.length > 0) return `not installed: ${missing.join(', ')}`
  const tried = spawnSync('bwrap', ['--ro-bind', '/', '/', '--unshare-net', 'true'])
  return tried.status !== 0 && `bubblewrap may not isolate here: ${tried.stderr}`
}

/** Why a test that needs these parts cannot run, naming what is not there; false when all are. */
export function lacking(...names: PartName[]): string | false {
  if (!partsFolder()) return 'REGROW_PARTS does not say where the built parts are (test/real/parts/build.mts)'
  const missing = names.filter((name) => !existsSync(partFolder(name)))
  return missing.length > 0 && `not built: ${missing.join(', ')} (test/real/parts/build.mts)`
}
