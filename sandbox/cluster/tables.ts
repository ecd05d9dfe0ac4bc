import type { Kind } from './kinds.ts'
import { at, listAt, numberAt, type Thing, type Tree, textAt, textsAt, treeAt } from './tree.ts'

type Cell = (thing: Thing) => unknown

const of =
  (...path: string[]): Cell =>
  (thing) =>
    at(thing, ...path) ?? '<none>'
const age: Cell = (thing) => since(textAt(thing, 'metadata', 'creationTimestamp'))

// The columns a person is used to; custom resources bring their own, everything else shows name and age.
const columns: Record<string, Record<string, Cell>> = {
  Node: { Status: nodeStatus, Roles: roles, Age: age, Version: of('status', 'nodeInfo', 'kubeletVersion') },
  Pod: {
    Ready: (pod) => {
      const states = listAt(pod, 'status', 'containerStatuses')
      return `${states.filter((one) => one.ready).length}/${listAt(pod, 'spec', 'containers').length}`
    },
    Status: (pod) => waitingOf(pod) || textAt(pod, 'status', 'phase') || 'Pending',
    Restarts: () => 0,
    Age: age,
    Node: of('spec', 'nodeName'),
  },
  PersistentVolumeClaim: {
    Status: of('status', 'phase'),
    Volume: of('spec', 'volumeName'),
    Capacity: of('status', 'capacity', 'storage'),
    'Access Modes': (claim) => modes(textsAt(claim, 'spec', 'accessModes')),
    StorageClass: of('spec', 'storageClassName'),
    Age: age,
  },
  PersistentVolume: {
    Capacity: of('spec', 'capacity', 'storage'),
    'Reclaim Policy': of('spec', 'persistentVolumeReclaimPolicy'),
    Status: of('status', 'phase'),
    Claim: (pv) => `${textAt(pv, 'spec', 'claimRef', 'namespace')}/${textAt(pv, 'spec', 'claimRef', 'name')}`,
    StorageClass: of('spec', 'storageClassName'),
    Age: age,
  },
  Deployment: {
    Ready: outOf('readyReplicas'),
    'Up-to-date': of('status', 'updatedReplicas'),
    Available: of('status', 'availableReplicas'),
    Age: age,
  },
  StatefulSet: { Ready: outOf('readyReplicas'), Age: age },
  DaemonSet: {
    Desired: of('status', 'desiredNumberScheduled'),
    Ready: of('status', 'numberReady'),
    Available: of('status', 'numberAvailable'),
    Age: age,
  },
  Service: {
    Type: of('spec', 'type'),
    'Cluster-IP': of('spec', 'clusterIP'),
    'External-IP': (service) =>
      listAt(service, 'status', 'loadBalancer', 'ingress')
        .map((one) => one.ip)
        .join(',') || '<none>',
    'Port(s)': (service) =>
      listAt(service, 'spec', 'ports')
        .map((one) => `${one.port}/${one.protocol ?? 'TCP'}`)
        .join(','),
    Age: age,
  },
  Secret: { Type: of('type'), Data: (secret) => Object.keys(treeAt(secret, 'data')).length, Age: age },
  ConfigMap: { Data: (map) => Object.keys(treeAt(map, 'data')).length, Age: age },
  Namespace: { Status: of('status', 'phase'), Age: age },
  Event: {
    'Last Seen': (event) => since(textAt(event, 'lastTimestamp')),
    Type: of('type'),
    Reason: of('reason'),
    Object: (event) =>
      `${textAt(event, 'involvedObject', 'kind').toLowerCase()}/${textAt(event, 'involvedObject', 'name')}`,
    Message: of('message'),
  },
  StorageClass: { Provisioner: of('provisioner'), ReclaimPolicy: of('reclaimPolicy'), Age: age },
}

/** Objects as the `Table` that kubectl prints. */
export function table(kind: Kind, things: readonly Thing[], revision: number): Tree {
  const cells = cellsOf(kind)
  const name = { name: 'Name', type: 'string', format: 'name', description: '', priority: 0 }
  const others = Object.keys(cells).map((one) => ({
    name: one,
    type: 'string',
    format: '',
    description: '',
    priority: 0,
  }))
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { resourceVersion: String(revision) },
    columnDefinitions: [name, ...others],
    rows: things.map((thing) => ({
      cells: [thing.metadata.name, ...Object.values(cells).map((cell) => cell(thing))],
      object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: thing.metadata },
    })),
  }
}

function cellsOf(kind: Kind): Record<string, Cell> {
  const known = kind.columns.length === 0 ? columns[kind.kind] : undefined
  if (known) return known
  if (kind.columns.length === 0) return { Age: age }
  return Object.fromEntries(
    kind.columns.map(({ name, path, type }) => {
      const value = of(...path.replace(/^\./, '').split('.'))
      return [name, type === 'date' ? (thing: Thing) => since(String(value(thing))) : value]
    }),
  )
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
  const names = Object.keys(node.metadata.labels ?? {}).map(
    (key) => key.match(/^node-role.kubernetes.io\/(.+)$/)?.[1],
  )
  return names.filter(Boolean).join(',') || '<none>'
}

function waitingOf(pod: Thing): string {
  const waiting = listAt(pod, 'status', 'containerStatuses').map((one) =>
    textAt(one, 'state', 'waiting', 'reason'),
  )
  return waiting.find(Boolean) ?? ''
}

function modes(names: string[]): string {
  return names.map((name) => name.replace(/[a-z]/g, '').replace(/^(.)W(.)$/, '$1W$2')).join(',')
}

function outOf(field: string): Cell {
  return (thing) => `${numberAt(thing, 0, 'status', field)}/${numberAt(thing, 1, 'spec', 'replicas')}`
}
