import type { Kind } from './kinds.ts'
import { at, listAt, numberAt, type Thing, type Tree, textAt, textsAt, treeAt } from './tree.ts'

type Cell = (thing: Thing) => unknown

const age: Cell = (thing) => since(textAt(thing, 'metadata', 'creationTimestamp'))
const outOf: Cell = (thing) =>
  `${numberAt(thing, 0, 'status', 'readyReplicas')}/${numberAt(thing, 1, 'spec', 'replicas')}`
const size: Cell = (thing) => Object.keys(treeAt(thing, 'data')).length
const names = (list: (string | undefined)[]) => list.filter(Boolean).join(',') || '<none>'

// What a person is used to see: a path or a function for each column. Custom resources may bring columns of their own.
const columns: Record<string, Record<string, string | Cell>> = {
  Node: { Status: nodeStatus, Roles: roles, Age: age, Version: 'status.nodeInfo.kubeletVersion' },
  Pod: { Ready: containers, Status: podStatus, Restarts: () => 0, Age: age, Node: 'spec.nodeName' },
  PersistentVolumeClaim: {
    Status: 'status.phase',
    Volume: 'spec.volumeName',
    Capacity: 'status.capacity.storage',
    'Access Modes': (claim) =>
      names(textsAt(claim, 'spec', 'accessModes').map((mode) => modes[mode] ?? mode)),
    StorageClass: 'spec.storageClassName',
    Age: age,
  },
  PersistentVolume: {
    Capacity: 'spec.capacity.storage',
    'Reclaim Policy': 'spec.persistentVolumeReclaimPolicy',
    Status: 'status.phase',
    Claim: 'spec.claimRef.name',
    StorageClass: 'spec.storageClassName',
    Age: age,
  },
  Deployment: {
    Ready: outOf,
    'Up-to-date': 'status.updatedReplicas',
    Available: 'status.availableReplicas',
    Age: age,
  },
  StatefulSet: { Ready: outOf, Age: age },
  DaemonSet: { Desired: 'status.desiredNumberScheduled', Ready: 'status.numberReady', Age: age },
  Service: {
    Type: 'spec.type',
    'Cluster-IP': 'spec.clusterIP',
    'External-IP': addresses,
    'Port(s)': ports,
    Age: age,
  },
  Ingress: { Class: 'spec.ingressClassName', Address: addresses, Age: age },
  Secret: { Type: 'type', Data: size, Age: age },
  ConfigMap: { Data: size, Age: age },
  Namespace: { Status: 'status.phase', Age: age },
  StorageClass: { Provisioner: 'provisioner', ReclaimPolicy: 'reclaimPolicy', Age: age },
  Backup: { Status: 'status.phase', Expires: 'status.expiration', Age: age },
  Event: {
    'Last Seen': (event) => since(textAt(event, 'lastTimestamp')),
    Type: 'type',
    Reason: 'reason',
    Object: ({ involvedObject }) =>
      `${textAt(involvedObject, 'kind').toLowerCase()}/${textAt(involvedObject, 'name')}`,
    Message: 'message',
  },
}
const modes: Record<string, string> = { ReadWriteOnce: 'RWO', ReadOnlyMany: 'ROX', ReadWriteMany: 'RWX' }

/** Objects as the `Table` that kubectl prints. */
export function table(kind: Kind, things: readonly Thing[], revision: number): Tree {
  const cells = cellsOf(kind)
  const column = (name: string, format = '') => ({
    name,
    type: 'string',
    format,
    description: '',
    priority: 0,
  })
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { resourceVersion: String(revision) },
    columnDefinitions: [column('Name', 'name'), ...cells.map(([name]) => column(name))],
    rows: things.map((thing) => ({
      cells: [thing.metadata.name, ...cells.map(([, cell]) => cell(thing))],
      object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: thing.metadata },
    })),
  }
}

function cellsOf(kind: Kind): [string, Cell][] {
  const own = kind.columns.map(({ name, path, type }): [string, Cell] => {
    const value = cellOf(path.replace(/^\./, ''))
    return [name, type === 'date' ? (thing) => since(String(value(thing))) : value]
  })
  if (own.length > 0) return own
  return Object.entries(columns[kind.kind] ?? { Age: age }).map(([name, cell]) => [name, cellOf(cell)])
}

function cellOf(cell: string | Cell): Cell {
  return typeof cell === 'string' ? (thing) => at(thing, ...cell.split('.')) ?? '<none>' : cell
}

function since(time: string): string {
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(time)) / 1000))
  if (Number.isNaN(seconds)) return '<unknown>'
  if (seconds < 120) return `${seconds}s`
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`
}

function nodeStatus(node: Thing): string {
  const ready = listAt(node, 'status', 'conditions').find((one) => one.type === 'Ready')
  const cordoned = at(node, 'spec', 'unschedulable') ? ',SchedulingDisabled' : ''
  return `${ready?.status === 'True' ? 'Ready' : 'NotReady'}${cordoned}`
}

function roles(node: Thing): string {
  return names(
    Object.keys(node.metadata.labels ?? {}).map((key) => key.match(/^node-role.kubernetes.io\/(.+)$/)?.[1]),
  )
}

function containers(pod: Thing): string {
  const ready = listAt(pod, 'status', 'containerStatuses').filter((one) => one.ready)
  return `${ready.length}/${listAt(pod, 'spec', 'containers').length}`
}

function podStatus(pod: Thing): string {
  const states = listAt(pod, 'status', 'containerStatuses')
  return (
    states.map((one) => textAt(one, 'state', 'waiting', 'reason')).find(Boolean) ??
    (textAt(pod, 'status', 'phase') || 'Pending')
  )
}

function addresses(thing: Thing): string {
  return names(listAt(thing, 'status', 'loadBalancer', 'ingress').map((one) => textAt(one, 'ip')))
}

function ports(service: Thing): string {
  return names(listAt(service, 'spec', 'ports').map((one) => `${one.port}/${one.protocol ?? 'TCP'}`))
}
