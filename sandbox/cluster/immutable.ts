import { isDeepStrictEqual } from 'node:util'
import { type Kind, resourceOf } from './kinds.ts'
import { Refusal } from './refusal.ts'
import { at, listAt, type Thing, type Tree, textAt, treeAt } from './tree.ts'

/** What is wrong with one field of a changed object, in the API server's words. */
type Fault = string | false

const invalid = (path: string, value: unknown, why: string): Fault =>
  `${path}: Invalid value: ${JSON.stringify(value)}: ${why}`
const forbidden = (path: string, why: string): Fault => `${path}: Forbidden: ${why}`

/** Fields that cannot change, with what they are when they are not given. */
const fixed: Record<string, { path: string; unset?: unknown }[]> = {
  Secret: [{ path: 'type', unset: 'Opaque' }],
  StorageClass: [
    { path: 'parameters' },
    { path: 'provisioner' },
    { path: 'reclaimPolicy', unset: 'Delete' },
    { path: 'volumeBindingMode', unset: 'Immediate' },
  ],
  Deployment: [{ path: 'spec.selector' }],
  DaemonSet: [{ path: 'spec.selector' }],
  ReplicaSet: [{ path: 'spec.selector' }],
  Job: [{ path: 'spec.selector' }, { path: 'spec.template' }, { path: 'spec.completionMode' }],
  IngressClass: [{ path: 'spec.controller' }],
  CustomResourceDefinition: [
    { path: 'spec.scope' },
    { path: 'spec.group' },
    { path: 'spec.names.kind' },
    { path: 'spec.names.plural' },
  ],
}

const rules: Record<string, (live: Thing, next: Thing) => Fault[]> = {
  RoleBinding: role,
  ClusterRoleBinding: role,
  ConfigMap: (live, next) => sealed(live, next, ['data', 'binaryData']),
  Secret: (live, next) => sealed(live, next, ['data']),
  PriorityClass: (live, next) => [
    live.value !== next.value && forbidden('value', 'may not be changed in an update.'),
  ],
  Service: address,
  StatefulSet: statefulSet,
  PersistentVolumeClaim: claim,
  PersistentVolume: (live, next) => [
    differs(source(live), source(next)) &&
      forbidden('spec.persistentvolumesource', 'spec.persistentvolumesource is immutable after creation'),
  ],
}

/**
 * Refuses a change of what cannot change.
 * @param classes the StorageClasses there are
 * @throws Refusal 422 with the API server's words, 403 for a claim that cannot grow
 */
export function refuseChange(kind: Kind, live: Thing, next: Thing, classes: () => Thing[]): void {
  if (!Object.hasOwn(rules, kind.kind) && !Object.hasOwn(fixed, kind.kind)) return
  const { name } = live.metadata
  const fields = (fixed[kind.kind] ?? []).map(({ path, unset }): Fault => {
    const [before, after] = [live, next].map((one) => at(one, ...path.split('.')) ?? unset)
    return differs(before, after) && invalid(path, after, 'field is immutable')
  })
  const faults = [...fields, ...(rules[kind.kind]?.(live, next) ?? [])].filter((one) => one !== false)
  if (faults.length > 0) {
    const group = kind.group ? `.${kind.group}` : ''
    const told = faults.length === 1 ? faults[0] : `[${faults.join(', ')}]`
    throw new Refusal(422, 'Invalid', `${kind.kind}${group} "${name}" is invalid: ${told}`)
  }
  if (kind.kind === 'PersistentVolumeClaim' && sizeOf(next) > sizeOf(live)) {
    const storage = classes().find((one) => one.metadata.name === textAt(live, 'spec', 'storageClassName'))
    if (storage?.allowVolumeExpansion !== true)
      throw new Refusal(
        403,
        'Forbidden',
        `${resourceOf(kind)} "${name}" is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize`,
      )
  }
}

const differs = (before: unknown, after: unknown) => !isDeepStrictEqual(bared(before), bared(after))

/** Without fields that say nothing. */
function bared(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(bared)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, one]): [string, unknown] => [key, bared(one)])
  return Object.fromEntries(entries.filter(([, one]) => !isNothing(one)))
}

const isNothing = (value: unknown) =>
  value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0)

function role(live: Thing, next: Thing): Fault[] {
  return [differs(live.roleRef, next.roleRef) && invalid('roleRef', next.roleRef, 'cannot change roleRef')]
}

function sealed(live: Thing, next: Thing, fields: readonly string[]): Fault[] {
  if (live.immutable !== true) return []
  const why = 'field is immutable when `immutable` is set'
  return [
    next.immutable !== true && forbidden('immutable', why),
    ...fields.map((field): Fault => differs(live[field], next[field]) && forbidden(field, why)),
  ]
}

function address(live: Thing, next: Thing): Fault[] {
  const [before, after] = [live, next].map((one) => textAt(one, 'spec', 'clusterIP'))
  const isOutside = [live, next].some((one) => textAt(one, 'spec', 'type') === 'ExternalName')
  return [
    !isOutside &&
      before !== after &&
      before !== '' &&
      invalid('spec.clusterIPs[0]', [after], 'may not change once set'),
  ]
}

const open = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
]

function statefulSet(live: Thing, next: Thing): Fault[] {
  const rest = (one: Thing) =>
    Object.fromEntries(
      Object.entries({ podManagementPolicy: 'OrderedReady', ...treeAt(one, 'spec') }).filter(
        ([field]) => !open.includes(field),
      ),
    )
  const named = open.map((field) => `'${field}'`)
  return [
    differs(rest(live), rest(next)) &&
      forbidden(
        'spec',
        `updates to statefulset spec for fields other than ${named.slice(0, -1).join(', ')} and ${named.at(-1)} are forbidden`,
      ),
  ]
}

function claim(live: Thing, next: Thing): Fault[] {
  const isBound = textAt(live, 'status', 'phase') === 'Bound'
  const rest = (one: Thing): Tree => {
    const { volumeName, resources, dataSourceRef: _mirrored, ...spec } = treeAt(one, 'spec')
    return {
      ...spec,
      ...(textAt(live, 'spec', 'volumeName') ? { volumeName } : {}),
      ...(isBound ? {} : { resources }),
    }
  }
  return [
    differs(rest(live), rest(next)) &&
      forbidden(
        'spec',
        'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims',
      ),
    sizeOf(next) < sizeOf(live) &&
      forbidden('spec.resources.requests.storage', 'field can not be less than status.capacity'),
  ]
}

/** What a volume is made of: everything but how it is offered and to whom. */
function source(volume: Thing): Tree {
  const kinds = ['csi', 'hostPath', 'local', 'nfs', 'iscsi', 'fc']
  return Object.fromEntries(Object.entries(treeAt(volume, 'spec')).filter(([field]) => kinds.includes(field)))
}

const units: Record<string, number> = {
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
}

function sizeOf(one: Thing): number {
  const [, number = '0', unit = ''] =
    textAt(one, 'spec', 'resources', 'requests', 'storage').match(/^([\d.]+)(.*)$/) ?? []
  return Number(number) * (units[unit] ?? 1)
}

/**
 * What the API server gives a Service by itself: the address it has, and ports on every node.
 * @param others the Services there are
 * @throws Refusal 422 for a port that another Service has
 */
export function withPorts(service: Thing, live: Thing | undefined, others: readonly Thing[]): Thing {
  const spec = treeAt(service, 'spec')
  const isOutside = spec.type === 'ExternalName'
  const kept = !isOutside && !spec.clusterIP && textAt(live, 'spec', 'clusterIP')
  const clusterIP = kept ? { clusterIP: kept } : {}
  const isOnNodes =
    spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false)
  if (!isOnNodes || !Array.isArray(spec.ports)) {
    const ports = listAt(spec, 'ports').map(({ nodePort, ...port }) =>
      listAt(live, 'spec', 'ports').some((one) => one.nodePort === nodePort)
        ? port
        : { ...port, ...(nodePort ? { nodePort } : {}) },
    )
    return { ...service, spec: { ...spec, ...clusterIP, ...(spec.ports ? { ports } : {}) } }
  }
  const { name, namespace } = service.metadata
  const taken = others
    .filter((one) => one.metadata.name !== name || one.metadata.namespace !== namespace)
    .flatMap((one) => listAt(one, 'spec', 'ports').map((port) => Number(port.nodePort)))
  const ports = listAt(spec, 'ports').map((port, index) => {
    if (port.nodePort) {
      if (taken.includes(Number(port.nodePort)))
        throw new Refusal(
          422,
          'Invalid',
          `Service "${name}" is invalid: spec.ports[${index}].nodePort: Invalid value: ${port.nodePort}: provided port is already allocated`,
        )
      return port
    }
    const before = listAt(live, 'spec', 'ports').find(
      (one) => one.port === port.port && (one.protocol ?? 'TCP') === (port.protocol ?? 'TCP'),
    )
    if (before?.nodePort) return { ...port, nodePort: before.nodePort }
    const free = Array.from({ length: 2768 }, (_, one) => 30_000 + one).filter((one) => !taken.includes(one))
    const nodePort = free[Math.floor(Math.random() * free.length)] ?? 30_000
    taken.push(nodePort)
    return { ...port, nodePort }
  })
  return { ...service, spec: { ...spec, ...clusterIP, ports } }
}
