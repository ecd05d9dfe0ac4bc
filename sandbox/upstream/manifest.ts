import { dump } from 'js-yaml'

/** A Kubernetes object. */
export type Manifest = { apiVersion: string; kind: string; metadata: { name: string } & Body } & Body
type Body = Record<string, unknown>

/** An object in the release's namespace, unless `more` has metadata of its own. */
export function manifest(apiVersion: string, kind: string, name: string, more: Body = {}): Manifest {
  const { metadata, ...rest } = more as { metadata?: Body }
  return { apiVersion, kind, metadata: { name, namespace, ...metadata }, ...rest }
}

/** What helm puts the release's namespace in for. */
export const namespace = '{{ .Release.Namespace }}'

/** The same without a namespace. */
export function clusterManifest(apiVersion: string, kind: string, name: string, more: Body = {}): Manifest {
  return manifest(apiVersion, kind, name, {
    ...more,
    metadata: { ...(more.metadata as Body), namespace: undefined },
  })
}

/** A workload of one pod, or one a node, with what its pod needs; `container` describes its only container. */
export function workload(
  kind: 'Deployment' | 'StatefulSet' | 'DaemonSet',
  name: string,
  container: Body,
  pod: Body = {},
  metadata: Body = {},
  labels: Body = { 'app.kubernetes.io/name': name },
): Manifest {
  const containers = [{ name, imagePullPolicy: 'IfNotPresent', ...container }]
  return manifest('apps/v1', kind, name, {
    metadata,
    spec: {
      ...(kind === 'DaemonSet' ? {} : { replicas: 1 }),
      ...(kind === 'StatefulSet' ? { serviceName: name } : {}),
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers, ...pod } },
    },
  })
}

/** A Service before a workload of this name. */
export function service(name: string, to: string, ports: readonly number[], type = 'ClusterIP'): Manifest {
  const list = ports.map((port) => ({ name: `port-${port}`, port, targetPort: port }))
  return manifest('v1', 'Service', name, {
    spec: { type, selector: { 'app.kubernetes.io/name': to }, ports: list },
  })
}

/** An environment variable from a Secret, without which the pod does not start. */
export const fromSecret = (name: string, secret: string, key: string) => ({
  name,
  valueFrom: { secretKeyRef: { name: secret, key } },
})

/**
 * A CustomResourceDefinition that takes anything.
 * @param kinds one a line: kind, plural, and after it `C` for a kind of the cluster, `S` for a status of its own,
 * short names in lower case, printed columns as `Name=.path`
 */
export function definitions(group: string, version: string, kinds: string): Manifest[] {
  return kinds
    .trim()
    .split('\n')
    .map((line) => {
      const [kind = '', plural = '', ...more] = line.trim().split(/ +/)
      const columns = more.filter((one) => one.includes('=')).map((one) => one.split('='))
      const additionalPrinterColumns = columns.map(([name, jsonPath]) => ({ name, type: 'string', jsonPath }))
      const shortNames = more.filter((one) => /^[a-z]+$/.test(one))
      return clusterManifest('apiextensions.k8s.io/v1', 'CustomResourceDefinition', `${plural}.${group}`, {
        spec: {
          group,
          scope: more.includes('C') ? 'Cluster' : 'Namespaced',
          names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List`, shortNames },
          versions: [
            {
              name: version,
              served: true,
              storage: true,
              schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
              ...(more.includes('S') ? { subresources: { status: {} } } : {}),
              additionalPrinterColumns,
            },
          ],
        },
      })
    })
}

/** Objects as one YAML stream; each carries the label that says where it comes from. */
export function toYaml(manifests: readonly Manifest[]): string {
  return manifests
    .map((one) => {
      const labels = { ...(one.metadata.labels as Body), 'regrow.dev/paper': 'true' }
      return dump(
        { ...one, metadata: { ...one.metadata, labels } },
        { lineWidth: -1, skipInvalid: true, noRefs: true },
      )
    })
    .join('---\n')
}
