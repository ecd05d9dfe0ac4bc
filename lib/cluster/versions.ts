import { z } from 'zod'
import { Problem } from '../base/problem.ts'

/** The names by which `versions` in cluster.yaml overrides what is shipped. */
export type PartName = keyof typeof parts

/** One exact version for every part. */
export type Versions = Record<PartName, string>

/** An exact version: a tag, a chart's version, or a tag with a digest; never one that moves. */
export const pinned = z.string().regex(/^v?\d+\.\d+\.\d+([-+.@:\w]*)$/, 'is not an exact version')

/** Something that is fetched from upstream under its name in `digests` of cluster.yaml: a file, or a chart's archive. */
export type UpstreamFile = { name: string } & ({ address: string } | { chart: Chart })

/** A Helm chart, and where Argo CD finds it. */
export interface Chart {
  chart: string
  repository: string
  version: string
}

/**
 * Everything that is shipped, each by an exact version. `witnessed` says how far it was met: nothing here was run
 * whole on a droplet yet (docs/evidence.md).
 */
export const parts = {
  k3s: {
    version: 'v1.36.5+k3s1',
    witnessed:
      'never run; server code 1.36.3 of a public fork run by hand (test/real/k3s); version seen in use on public clusters in October 2026, stable channel not checked',
  },
  'argo-cd': {
    version: '10.10.0',
    app: 'v3.5.4',
    witnessed:
      'Argo CD 3.2.5 run with these settings (test/real/cluster); values compared with chart 10.1.1; chart and app version as helm lists them',
  },
  velero: {
    version: '12.2.1',
    app: '1.18.2',
    witnessed: 'values compared with chart 12.1.0; the image is set to velero-server instead of its own',
  },
  'velero-server': {
    version: 'v1.18.3',
    witnessed: 'server, node agent and data mover run as processes (test/real/cluster)',
  },
  'velero-plugin-for-aws': { version: 'v1.14.3', witnessed: 'run as a process (test/real/cluster)' },
  'sealed-secrets': {
    version: '2.18.5',
    app: '0.36.6',
    witnessed: '0.36.6 and chart 2.18.4 run (test/real/cluster); values compared with this very chart',
  },
  traefik: { version: '41.6.0', app: 'v3.7.13', witnessed: 'never run; values compared with chart 41.3.0' },
  'csi-digitalocean': {
    version: 'v4.18.0',
    witnessed: 'never run; patches compared with its driver.yaml and snapshot-controller.yaml',
  },
  busybox: {
    version: '1.37.0@sha256:bdf57e528e45e4433820e045b29b4597825a1c9e38353532d90a01445013f82e',
    witnessed: 'never pulled; index digest as several public repositories recorded it in September 2026',
  },
} as const

const github = 'https://github.com'

/** Where the repositories of the charts are: Argo CD asks for `index.yaml` there, and takes the archive that it names. */
const charts = {
  'argo-cd': 'https://argoproj.github.io/argo-helm',
  velero: 'https://vmware-tanzu.github.io/helm-charts',
  // The project moved in June 2026 (bitnami/sealed-secrets#1982): the pages under bitnami-labs are gone.
  'sealed-secrets': 'https://bitnami.github.io/sealed-secrets',
  traefik: 'https://traefik.github.io/charts',
} as const

/** The names of the charts among the parts. */
export type ChartName = keyof typeof charts

/** The names of the charts among the parts, in the order in which the cluster gets them. */
export const chartNames = Object.keys(charts) as ChartName[]

/**
 * The versions in force: what is shipped, unless `versions` in cluster.yaml says otherwise.
 * @throws Problem when it names a part that there is not
 */
export function versionsOf(overrides: Readonly<Record<string, string>> = {}): Versions {
  const unknown = Object.keys(overrides).filter((name) => !Object.hasOwn(parts, name))
  if (unknown.length > 0)
    throw new Problem(
      `versions in cluster.yaml names ${unknown.join(', ')}, which is not a part of a cluster`,
      {
        cure: `Its names are ${Object.keys(parts).join(', ')}.`,
      },
    )
  const shipped = Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, part.version]))
  return { ...shipped, ...overrides } as Versions
}

/** A chart at the version in force. */
export function chartOf(name: ChartName, versions: Versions): Chart {
  return { chart: name, repository: charts[name], version: versions[name] }
}

/** Where the k3s binary (amd64) of a version is; a `+` in the path must be written `%2B`. */
export function k3sAddress(version: string): string {
  return `${github}/k3s-io/k3s/releases/download/${encodeURIComponent(version)}/k3s`
}

/** Where the SHA-256 sums of a k3s release (amd64) are: lines `<hex>  <file>`. */
export function k3sSumsAddress(version: string): string {
  return `${github}/k3s-io/k3s/releases/download/${encodeURIComponent(version)}/sha256sum-amd64.txt`
}

/** The manifests of the CSI driver, in the order in which they must be applied. */
export const csiFiles = ['crds.yaml', 'driver.yaml', 'snapshot-controller.yaml'] as const

/** Where a manifest of the CSI driver is. */
export function csiAddress(version: string, file: (typeof csiFiles)[number]): string {
  return `https://raw.githubusercontent.com/digitalocean/csi-digitalocean/${version}/deploy/kubernetes/releases/csi-digitalocean-${version}/${file}`
}

/** Everything whose SHA-256 cluster.yaml records at the first bootstrap, under the name it has there. */
export function upstreamFiles(versions: Versions): UpstreamFile[] {
  return [
    { name: 'k3s', address: k3sAddress(versions.k3s) },
    ...chartNames.map((name) => ({ name, chart: chartOf(name, versions) })),
    ...csiFiles.map((file) => ({
      name: `csi-digitalocean/${file}`,
      address: csiAddress(versions['csi-digitalocean'], file),
    })),
  ]
}

/** A command-line tool: the version that scripts/tools.mts fetches, and those that are accepted when found. */
export interface ToolVersion {
  version: string
  /** Accepted: from this one on … */
  from: string
  /** … and below this one. */
  below: string
  /** Release file; a `.tar.gz` unless the tool is published as it is. `os` linux or darwin, `arch` amd64 or arm64. */
  address: (os: string, arch: string) => string
  /** Published SHA-256: the digest alone or lines `<hex>  <file>`. */
  sums: (os: string, arch: string) => string
  /** The tool's path in the archive; none when the file is the tool. */
  member?: (os: string, arch: string) => string
  witnessed: string
}

const doctl = `${github}/digitalocean/doctl/releases/download/v1.166.0/doctl-1.166.0`
const kubectl = (os: string, arch: string) => `https://dl.k8s.io/release/v1.36.3/bin/${os}/${arch}/kubectl`
const helm = (os: string, arch: string) => `https://get.helm.sh/helm-v4.3.1-${os}-${arch}.tar.gz`
const velero = `${github}/vmware-tanzu/velero/releases/download/v1.18.3`

/** The tools that the scripts run, with the releases to fetch and the ranges that are accepted. */
export const tools: Record<'doctl' | 'kubectl' | 'helm' | 'velero', ToolVersion> = {
  doctl: {
    version: '1.166.0',
    from: '1.150.0',
    below: '2.0.0',
    address: (os, arch) => `${doctl}-${os}-${arch}.tar.gz`,
    sums: () => `${doctl}-checksums.sha256`,
    member: () => 'doctl',
    witnessed: '1.166.0 built and run',
  },
  kubectl: {
    version: '1.36.3',
    // One minor version beside the API server's is supported (Kubernetes' version skew policy).
    from: '1.35.0',
    below: '1.38.0',
    address: kubectl,
    sums: (os, arch) => `${kubectl(os, arch)}.sha256`,
    witnessed: '1.36.3 built and run',
  },
  helm: {
    version: '4.3.1',
    from: '4.0.0',
    below: '5.0.0',
    address: helm,
    sums: (os, arch) => `${helm(os, arch)}.sha256sum`,
    member: (os, arch) => `${os}-${arch}/helm`,
    witnessed: '4.3.1 built and run',
  },
  velero: {
    version: '1.18.3',
    from: '1.18.1',
    below: '1.19.0',
    address: (os, arch) => `${velero}/velero-v1.18.3-${os}-${arch}.tar.gz`,
    sums: () => `${velero}/CHECKSUM`,
    member: (os, arch) => `velero-v1.18.3-${os}-${arch}/velero`,
    witnessed: '1.18.3 built and run',
  },
}
