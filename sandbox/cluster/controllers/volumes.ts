import type { Cluster } from '../cluster.ts'
import { type Controller, keyOf, own, split } from '../control.ts'
import { csiDriver, type Driver, driverName, isWorkload, provisioner } from '../csi.ts'
import { Refusal } from '../refusal.ts'
import { at, listAt, type Thing, type Tree, textAt, textsAt, treeAt } from '../tree.ts'
import { attachmentOf, claimsOf } from './mounts.ts'

const gibibyte = 2 ** 30
const units: Record<string, number> = {
  '': 1,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: gibibyte,
  Ti: 2 ** 40,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
}

/** Binds claims: to a prepared volume, or to a new one that the CSI driver orders at the simulated DigitalOcean. */
export function claims(cluster: Cluster): Controller {
  const { store } = cluster
  const pending = () =>
    store
      .list('PersistentVolumeClaim')
      .filter((claim) => textAt(claim, 'status', 'phase') !== 'Bound' || claim.metadata.deletionTimestamp)
      .map(keyOf)
  return {
    keys: (change) =>
      /^(StorageClass|PersistentVolume|VolumeSnapshot|Pod|Secret|StatefulSet|Deployment)$/.test(
        change.kind.kind,
      )
        ? pending()
        : own('PersistentVolumeClaim')(change),
    reconcile: async (key) => {
      const claim = store.find('PersistentVolumeClaim', ...split(key))
      if (!claim) return
      if (claim.metadata.deletionTimestamp) {
        if (usersOf(cluster, claim).length === 0)
          store.update({ ...claim, metadata: { ...claim.metadata, finalizers: [] } })
      } else if (textAt(claim, 'status', 'phase') !== 'Bound') {
        const prepared = preparedFor(cluster, claim)
        if (prepared) bind(cluster, claim, prepared)
        // Who selects or names a volume waits for that one: Velero's data mover brings it, or a person.
        else if (!at(claim, 'spec', 'selector') && !at(claim, 'spec', 'volumeName'))
          await provision(cluster, claim)
      }
    },
  }
}

/** Plugs volumes in where a placed pod needs them, out where none does, and removes what was released. */
export function attachments(cluster: Cluster): Controller {
  const { store } = cluster
  return {
    keys: ({ kind, thing }) => {
      // What changed while the driver did not run (a drain may move it, too) waits for it.
      if (thing.metadata.name === driverName && isWorkload(kind.kind))
        return store.list('PersistentVolume').map((one) => one.metadata.name)
      if (kind.kind === 'PersistentVolume') return [thing.metadata.name]
      if (kind.kind === 'PersistentVolumeClaim') return [textAt(thing, 'spec', 'volumeName')].filter(Boolean)
      if (kind.kind !== 'Pod') return []
      return claimsOf(thing)
        .map((name) =>
          textAt(store.find('PersistentVolumeClaim', thing.metadata.namespace, name), 'spec', 'volumeName'),
        )
        .filter(Boolean)
    },
    reconcile: async (name) => {
      const volume = store.find('PersistentVolume', undefined, name)
      const driver = csiDriver(cluster)
      if (!volume || textAt(volume, 'spec', 'csi', 'driver') !== provisioner || !driver) return
      const [namespace, claimName] = [
        textAt(volume, 'spec', 'claimRef', 'namespace'),
        textAt(volume, 'spec', 'claimRef', 'name'),
      ]
      const claim = store.find('PersistentVolumeClaim', namespace, claimName)
      const nodes = claim
        ? usersOf(cluster, claim)
            .map((pod) => textAt(pod, 'spec', 'nodeName'))
            .filter(Boolean)
        : []
      const attachment = attachmentOf(cluster, name)
      const where = textAt(attachment, 'spec', 'nodeName')
      const wanted = nodes.includes(where) ? where : nodes[0]
      if (attachment && wanted !== where) {
        await detach(driver, textAt(volume, 'spec', 'csi', 'volumeHandle'))
        store.remove('VolumeAttachment', undefined, attachment.metadata.name)
      }
      if (wanted) await attach(cluster, driver, volume, wanted)
      else if (!claim) await release(cluster, driver, volume)
    },
  }
}

function usersOf({ store }: Cluster, claim: Thing): Thing[] {
  return store
    .list('Pod', claim.metadata.namespace)
    .filter(
      (pod) =>
        claimsOf(pod).includes(claim.metadata.name) &&
        !/Succeeded|Failed/.test(textAt(pod, 'status', 'phase')),
    )
}

function preparedFor({ store }: Cluster, claim: Thing): Thing | undefined {
  const asked = textAt(claim, 'spec', 'volumeName')
  return store.list('PersistentVolume').find((volume) => {
    const reference = treeAt(volume, 'spec', 'claimRef')
    const isIts = reference.name === claim.metadata.name && reference.namespace === claim.metadata.namespace
    if (reference.uid && reference.uid !== claim.metadata.uid) return false
    if (isIts) return true
    const classOf = (one: Thing) => textAt(one, 'spec', 'storageClassName')
    return (
      asked === volume.metadata.name && reference.name === undefined && classOf(volume) === classOf(claim)
    )
  })
}

function bind({ store }: Cluster, claim: Thing, volume: Thing): void {
  const { name, namespace, uid } = claim.metadata
  const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid }
  store.update({ ...volume, spec: { ...treeAt(volume, 'spec'), claimRef } })
  store.setStatus('PersistentVolume', undefined, volume.metadata.name, { phase: 'Bound' })
  store.update({ ...claim, spec: { ...treeAt(claim, 'spec'), volumeName: volume.metadata.name } })
  const capacity = treeAt(volume, 'spec', 'capacity')
  const accessModes = textsAt(volume, 'spec', 'accessModes')
  store.setStatus('PersistentVolumeClaim', namespace, name, { phase: 'Bound', capacity, accessModes })
}

async function provision(cluster: Cluster, claim: Thing): Promise<void> {
  const { store } = cluster
  const className = textAt(claim, 'spec', 'storageClassName')
  const cannot = (reason: string, message: string) => cluster.event(claim, 'Warning', reason, message)
  if (!className)
    return cannot(
      'FailedBinding',
      'no persistent volumes available for this claim and no storage class is set',
    )
  const storage = store.find('StorageClass', undefined, className)
  if (!storage) return cannot('ProvisioningFailed', `storageclass.storage.k8s.io "${className}" not found`)
  const driver = storage.provisioner === provisioner ? csiDriver(cluster) : undefined
  if (!driver) {
    const message = `Waiting for a volume to be created either by the external provisioner '${storage.provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`
    return cluster.event(claim, 'Normal', 'ExternalProvisioning', message)
  }
  try {
    bind(cluster, claim, await orderVolume(cluster, driver, claim, storage))
  } catch (error) {
    const message = `failed to provision volume with StorageClass "${className}": ${(error as Error).message}`
    if (error instanceof Refusal) cannot('ProvisioningFailed', message)
    throw error
  }
}

/** Orders the volume of a claim, or finds the one ordered before. @returns it as a PersistentVolume */
export async function orderVolume(
  { store }: Cluster,
  { cloud, tags }: Driver,
  claim: Thing,
  storage: Thing,
): Promise<Thing> {
  const size = gibibytes(textAt(claim, 'spec', 'resources', 'requests', 'storage'))
  const [node] = store.list('Node')
  const region = node?.metadata.labels?.region ?? ''
  const name = `pvc-${claim.metadata.uid}`
  const [known] = listAt(await cloud.call('GET', `volumes?name=${name}&region=${region}`), 'volumes')
  const description = 'Created by DigitalOcean CSI driver'
  const wanted = { name, region, size_gigabytes: size, description, tags, ...snapshotFor(store, claim) }
  const made = known ?? treeAt(await cloud.call('POST', 'volumes', wanted), 'volume')
  return store.apply({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name, annotations: { 'pv.kubernetes.io/provisioned-by': provisioner } },
    spec: {
      capacity: { storage: `${size}Gi` },
      accessModes: textsAt(claim, 'spec', 'accessModes'),
      persistentVolumeReclaimPolicy: storage.reclaimPolicy ?? 'Delete',
      storageClassName: storage.metadata.name,
      volumeMode: textAt(claim, 'spec', 'volumeMode') || 'Filesystem',
      csi: { driver: provisioner, fsType: 'ext4', volumeHandle: made.id },
    },
  })
}

/** The snapshot at DigitalOcean that a claim asks for as its data source. @throws Refusal until it is known */
function snapshotFor(store: Cluster['store'], claim: Thing): Tree {
  const name = textAt(claim, 'spec', 'dataSource', 'name')
  if (!name) return {}
  const snapshot = store.find('VolumeSnapshot', claim.metadata.namespace, name)
  const content = store.find(
    'VolumeSnapshotContent',
    undefined,
    textAt(snapshot, 'spec', 'source', 'volumeSnapshotContentName'),
  )
  const id = textAt(content, 'spec', 'source', 'snapshotHandle')
  if (!id) throw new Refusal(404, 'NotFound', `error getting handle for DataSource ${name}: not ready`)
  return { snapshot_id: id }
}

/** Whole gibibytes for a quantity. @throws Refusal with the driver's words when DigitalOcean has no such size */
export function gibibytes(quantity: string): number {
  const [, number = '0', unit = ''] = quantity.match(/^([\d.]+)(.*)$/) ?? []
  const size = Math.ceil((Number(number) * (units[unit] ?? 1)) / gibibyte)
  const message = `rpc error: code = OutOfRange desc = invalid capacity range: required (${size}Gi) can not exceed maximum supported volume size (16Ti)`
  if (size > 16_384) throw new Refusal(400, 'OutOfRange', message)
  return Math.max(1, size)
}

async function attach(
  cluster: Cluster,
  { cloud, limit }: Driver,
  volume: Thing,
  nodeName: string,
): Promise<void> {
  const { store } = cluster
  const attachment = attachmentOf(cluster, volume.metadata.name)
  if (attachment && at(attachment, 'status', 'attached')) return
  const there = store.list('VolumeAttachment').filter((one) => textAt(one, 'spec', 'nodeName') === nodeName)
  if (!attachment && there.length >= limit) {
    const message = `AttachVolume.Attach failed for volume "${volume.metadata.name}": node ${nodeName} exceeds its max volume count of ${limit}`
    cluster.event(volume, 'Warning', 'FailedAttachVolume', message)
    throw new Refusal(429, 'TooManyRequests', message)
  }
  const name = `csi-${volume.metadata.uid.replaceAll('-', '')}`
  const spec = { attacher: provisioner, nodeName, source: { persistentVolumeName: volume.metadata.name } }
  store.apply({ apiVersion: 'storage.k8s.io/v1', kind: 'VolumeAttachment', metadata: { name }, spec })
  const annotation = store.get('Node', undefined, nodeName).metadata.annotations?.[
    'csi.volume.kubernetes.io/nodeid'
  ]
  const droplet = Number(textAt(JSON.parse(annotation ?? '{}'), provisioner))
  const id = textAt(volume, 'spec', 'csi', 'volumeHandle')
  const plugged = treeAt(await cloud.call('GET', `volumes/${id}`), 'volume').droplet_ids
  if (!Array.isArray(plugged) || !plugged.includes(droplet))
    await cloud.act(id, { type: 'attach', droplet_id: droplet })
  store.setStatus('VolumeAttachment', undefined, name, { attached: true })
}

async function detach({ cloud }: Driver, id: string): Promise<void> {
  const { droplet_ids: plugged } = treeAt(await cloud.call('GET', `volumes/${id}`), 'volume')
  for (const droplet of Array.isArray(plugged) ? plugged : [])
    await cloud.act(id, { type: 'detach', droplet_id: droplet })
}

/** What becomes of a volume whose claim is gone: kept as Released, or deleted with its bytes. */
async function release({ store }: Cluster, { cloud }: Driver, volume: Thing): Promise<void> {
  const { name } = volume.metadata
  if (textAt(volume, 'status', 'phase') === 'Available' || !at(volume, 'spec', 'claimRef', 'uid')) return
  if (textAt(volume, 'spec', 'persistentVolumeReclaimPolicy') !== 'Delete')
    return store.setStatus('PersistentVolume', undefined, name, { phase: 'Released' })
  await cloud.call('DELETE', `volumes/${textAt(volume, 'spec', 'csi', 'volumeHandle')}`)
  store.remove('PersistentVolume', undefined, name)
}
