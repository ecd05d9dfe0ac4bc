import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parsed } from '#cloud-init/spec.ts'
import { checkedYaml, type Template, template } from '#cloud-init/template.ts'
import { projectFolder } from '../base/project.ts'
import { noise, unboundClaims } from '../cluster/backup-rules.ts'
import { type Chart, chartOf, csiAddress, csiFiles } from '../cluster/versions.ts'
import { type RepositoryValues, repositoryValues } from './schema.ts'

export type { RepositoryValues } from './schema.ts'

/** The files of the repository but `cluster.yaml`; below `clusters/cluster/` stands the part of one cluster. */
const paths = [
  'README.md',
  'applications/app-of-apps.yaml',
  'applications/platform.yaml',
  'clusters/cluster/apps.yaml',
  'clusters/cluster/apps/README.md',
  'clusters/cluster/apps/hello/ingress.yaml',
  'clusters/cluster/apps/hello/namespace.yaml',
  'clusters/cluster/apps/hello/workload.yaml',
  'clusters/cluster/argocd.yaml',
  'clusters/cluster/backups.yaml',
  'clusters/cluster/csi-driver.yaml',
  'clusters/cluster/ingress.yaml',
  'clusters/cluster/platform/argocd/values.yaml',
  'clusters/cluster/platform/backups/deletions.yaml',
  'clusters/cluster/platform/backups/location.yaml',
  'clusters/cluster/platform/backups/network-policy.yaml',
  'clusters/cluster/platform/backups/schedules.yaml',
  'clusters/cluster/platform/backups/unbound-claims.yaml',
  'clusters/cluster/platform/csi-driver/kustomization.yaml',
  'clusters/cluster/platform/ingress/certificates.yaml',
  'clusters/cluster/platform/ingress/network-policy.yaml',
  'clusters/cluster/platform/ingress/values.yaml',
  'clusters/cluster/platform/sealed-secrets/values.yaml',
  'clusters/cluster/platform/velero/values.yaml',
  'clusters/cluster/sealed-secrets.yaml',
  'clusters/cluster/velero.yaml',
  'extras/rehearse.yaml',
  'storage/classes.yaml',
  'storage/pvc.yaml',
] as const

type Path = (typeof paths)[number]

/**
 * All files of the GitOps repository but `cluster.yaml`, by their path: the same text for the same values, upstream
 * addresses as they are, each YAML file parsed before it is handed out.
 * @throws Problem naming every value that is not right
 */
export function renderRepository(values: RepositoryValues): Record<string, string> {
  const view = viewOf(values)
  return Object.fromEntries(
    paths
      .filter((path) => isWanted(path, view))
      .map((path) => [
        path.replace('clusters/cluster', `clusters/${values.cluster}`),
        renderFile(path, view),
      ]),
  )
}

/** Certificates are for a domain. */
const isWanted = (path: Path, { domain }: View) =>
  domain !== undefined || !path.endsWith('/certificates.yaml')

/** What `helm template` needs to render Argo CD exactly as its own Application does. */
export interface ArgocdRelease extends Chart {
  release: 'argocd'
  namespace: 'argocd'
  /** For `--kube-version`, so that the chart sees the cluster that is to come. */
  kubeVersion: string
  /** Values, YAML. */
  values: string
}

/** The release of Argo CD that the first server applies. @throws Problem */
export function argocdRelease(values: RepositoryValues): ArgocdRelease {
  const view = viewOf(values)
  return {
    ...chartOf('argo-cd', view.versions),
    release: 'argocd',
    namespace: 'argocd',
    kubeVersion: view.versions.k3s.replace(/\+.*$/, ''),
    values: renderFile('clusters/cluster/platform/argocd/values.yaml', view),
  }
}

/** The Application that brings the engine; the first server applies it. YAML. @throws Problem */
export const platformApplication = (values: RepositoryValues): string =>
  renderFile('applications/platform.yaml', viewOf(values))

/** The Application that brings everything else; the operator's side applies it. YAML. @throws Problem */
export const rootApplication = (values: RepositoryValues): string =>
  renderFile('applications/app-of-apps.yaml', viewOf(values))

/** Where backups go, as Git has it: the storage location of Velero. YAML. @throws Problem */
export const storageLocation = (values: RepositoryValues): string =>
  renderFile('clusters/cluster/platform/backups/location.yaml', viewOf(values))

/** The resource policy that backups name, {@link unboundClaims}: a ConfigMap. YAML. @throws Problem */
export const unboundClaimsPolicy = (values: RepositoryValues): string =>
  renderFile('clusters/cluster/platform/backups/unbound-claims.yaml', viewOf(values))

type View = ReturnType<typeof viewOf>

/** What the templates see: the values, and what follows from them. */
function viewOf(given: RepositoryValues) {
  const values = parsed(repositoryValues, given, 'what the GitOps repository is to say')
  const { versions, backups, bucket } = values
  const hours = Number.parseInt(backups.ttl, 10)
  return {
    ...values,
    bucket: { ...bucket, endpoint: bucket.endpoint.replace(/\/$/, '') },
    // As the API server writes it, so that Argo CD sees no difference.
    backups: { ...backups, ttl: `${hours}h0m0s` },
    keepDays: Math.floor(hours / 24),
    moveData: backups.volumes === 's3',
    noise: Object.entries(noise).map(([resource, why]) => ({ resource, why })),
    unboundClaims,
    doTag: `--do-tag=${values.tag}`,
    helloHost: `hello.${values.domain ?? ''}`,
    charts: {
      argocd: chartOf('argo-cd', versions),
      sealedSecrets: chartOf('sealed-secrets', versions),
      traefik: chartOf('traefik', versions),
      velero: chartOf('velero', versions),
    },
    csiFiles: csiFiles.map((file) => csiAddress(versions['csi-digitalocean'], file)),
    images: {
      busybox: `docker.io/library/busybox:${versions.busybox}`,
      veleroPlugin: `docker.io/velero/velero-plugin-for-aws:${versions['velero-plugin-for-aws']}`,
    },
  }
}

function renderFile(path: Path, view: View): string {
  const fill = templates.get(path) ?? template<View>(`manifests/${path}`, source(path))
  templates.set(path, fill)
  const text = fill(view)
  return path.endsWith('.yaml') ? checkedYaml(path, text) : text
}

const templates = new Map<Path, Template<View>>()

const source = (path: Path) => readFileSync(join(projectFolder, 'manifests', `${path}.hbs`), 'utf8')
