import type { Store } from '../store.ts'
import { at, listAt, type Thing, type Tree, textAt, treeAt } from '../tree.ts'

/** What Velero's built-in actions make of an object on its way back; undefined where one discards it. */
export function acted(store: Store, resource: string, thing: Thing, wish: Thing): Thing | undefined {
  switch (resource) {
    case 'services':
      return service(thing, treeAt(wish, 'spec').preserveNodePorts === true)
    case 'serviceaccounts':
      return thing.secrets === undefined
        ? thing
        : {
            ...thing,
            secrets: listAt(thing, 'secrets').filter(
              (one) => !String(one.name).startsWith(`${thing.metadata.name}-token-`),
            ),
          }
    case 'secrets':
      return secret(store, thing)
    case 'jobs.batch':
      return job(thing)
    case 'pods':
      return { ...thing, spec: without(treeAt(thing, 'spec'), 'nodeName', 'priority') }
    case 'persistentvolumeclaims':
      return claim(thing)
    case 'apiservices.apiregistration.k8s.io':
      return thing.metadata.labels?.['kube-aggregator.kubernetes.io/automanaged'] === undefined
        ? thing
        : undefined
    case 'validatingwebhookconfigurations.admissionregistration.k8s.io':
    case 'mutatingwebhookconfigurations.admissionregistration.k8s.io':
      return {
        ...thing,
        webhooks: listAt(thing, 'webhooks').map((one) =>
          /^None(OnDryRun)?$/.test(String(one.sideEffects)) ? one : { ...one, sideEffects: 'None' },
        ),
      }
    // Read for what they say of the volumes, not made.
    case 'datauploads.velero.io':
      return undefined
    default:
      return thing
  }
}

function without(tree: Tree, ...fields: string[]): Tree {
  return Object.fromEntries(Object.entries(tree).filter(([field]) => !fields.includes(field)))
}

/** Addresses go; so do node ports that neither `last-applied-configuration` nor a field manager names. */
function service(thing: Thing, preserve: boolean): Thing {
  const spec = treeAt(thing, 'spec')
  const kept = spec.clusterIP === 'None' ? spec : without(spec, 'clusterIP', 'clusterIPs')
  if (preserve || spec.type === 'ExternalName') return { ...thing, spec: kept }
  const applied = thing.metadata.annotations?.['kubectl.kubernetes.io/last-applied-configuration']
  const named = listAt(applied ? JSON.parse(applied) : {}, 'spec', 'ports').filter(
    (one) => Number(one.nodePort) > 0,
  )
  const owned = listAt(thing, 'metadata', 'managedFields').flatMap((one) =>
    Object.entries(treeAt(one, 'fieldsV1', 'f:spec', 'f:ports')).flatMap(([key, port]) =>
      at(port, 'f:nodePort') ? [key] : [],
    ),
  )
  const isExplicit = (port: Tree) => {
    if (!applied) return owned.includes(`k:{"port":${port.port},"protocol":"${port.protocol ?? 'TCP'}"}`)
    if (port.name) return named.some((one) => one.name === port.name)
    return named.some((one) => one.name === undefined && Number(one.nodePort) === port.nodePort)
  }
  const ports = listAt(spec, 'ports').map((port) => (isExplicit(port) ? port : without(port, 'nodePort')))
  return { ...thing, spec: { ...without(kept, 'healthCheckNodePort'), ...(spec.ports ? { ports } : {}) } }
}

/** Tokens of accounts: those of an account's own name are not restored, others lose what only this cluster can sign. */
function secret(store: Store, thing: Thing): Thing | undefined {
  if (thing.type !== 'kubernetes.io/service-account-token') return thing
  const { name, namespace, annotations = {} } = thing.metadata
  const isAutomatic = store
    .list('ServiceAccount', namespace)
    .some((one) => name.startsWith(`${one.metadata.name}-token-`))
  if (isAutomatic) return undefined
  return {
    ...thing,
    metadata: {
      ...thing.metadata,
      annotations: without(annotations, 'kubernetes.io/service-account.uid') as Record<string, string>,
    },
    data: without(treeAt(thing, 'data'), 'token', 'ca.crt'),
  }
}

const ofController = ['controller-uid', 'batch.kubernetes.io/controller-uid']

function job(thing: Thing): Thing {
  const { selector, template, ...spec } = treeAt(thing, 'spec')
  const bare = (labels: Tree) => without(labels, ...ofController)
  return {
    ...thing,
    spec: {
      ...spec,
      ...(selector
        ? {
            selector: {
              ...treeAt({ selector }, 'selector'),
              matchLabels: bare(treeAt(selector, 'matchLabels')),
            },
          }
        : {}),
      template: {
        ...treeAt({ template }, 'template'),
        metadata: { ...treeAt(template, 'metadata'), labels: bare(treeAt(template, 'metadata', 'labels')) },
      },
    },
  }
}

const ofBinding = [
  'pv.kubernetes.io/bind-completed',
  'pv.kubernetes.io/bound-by-controller',
  'volume.kubernetes.io/storage-provisioner',
  'volume.beta.kubernetes.io/storage-provisioner',
  'volume.kubernetes.io/selected-node',
  'velero.io/volume-snapshot-name',
  'velero.io/data-upload-name',
]

function claim(thing: Thing): Thing {
  const annotations = without(thing.metadata.annotations ?? {}, ...ofBinding) as Record<string, string>
  return { ...thing, metadata: { ...thing.metadata, annotations } }
}

/** A volume as it stands, to be bound anew by its claim's name. */
export function unbound(volume: Thing): Thing {
  const claimRef = treeAt(volume, 'spec', 'claimRef')
  const spec = {
    ...treeAt(volume, 'spec'),
    ...(textAt(claimRef, 'name') ? { claimRef: without(claimRef, 'uid', 'resourceVersion') } : {}),
  }
  const annotations = without(volume.metadata.annotations ?? {}, ...ofBinding.slice(0, 2)) as Record<
    string,
    string
  >
  return { ...volume, metadata: { ...volume.metadata, annotations }, spec }
}

/** Without what belongs to the cluster it was in: identity, owners, status. Finalizers stay. */
export function bare(saved: Thing): Thing {
  const { status: _status, ...thing } = saved
  const metadata = without(
    saved.metadata,
    'generateName',
    'selfLink',
    'uid',
    'resourceVersion',
    'generation',
    'creationTimestamp',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
    'ownerReferences',
  ) as Thing['metadata']
  return { ...thing, metadata } as Thing
}

/** An account that is there, with what the backup's has more. */
export function merged(live: Thing, saved: Thing): Thing {
  const named = (field: string) => {
    const there = listAt(live, field)
    const more = listAt(saved, field).filter((one) => !there.some((other) => other.name === one.name))
    return there.length + more.length > 0 ? { [field]: [...there, ...more] } : {}
  }
  const { labels, annotations } = live.metadata
  return {
    ...live,
    metadata: {
      ...live.metadata,
      labels: { ...saved.metadata.labels, ...labels },
      annotations: { ...saved.metadata.annotations, ...annotations },
    },
    ...named('secrets'),
    ...named('imagePullSecrets'),
  }
}
