import { gibibytes } from '../../../sandbox/cluster/controllers/volumes.ts'
import { type CloudVolumes, cloudVolumes } from '../../../sandbox/cluster/digitalocean.ts'
import { listAt, treeAt } from '../../../sandbox/cluster/tree.ts'
import type { World } from '../../../sandbox/world.ts'
import type { Api } from './api.ts'
import type { KubeObject } from './kubectl.ts'

// STOOD IN for DigitalOcean's CSI driver and its sidecars, which are no Go modules: claims become volumes, snapshots
// and attachments at the box's DigitalOcean, with the token and the tag that the driver's own objects name. Binding and
// deciding where to attach is Kubernetes' own.

const driver = 'dobs.csi.digitalocean.com'
const protection = 'snapshot.storage.kubernetes.io/volumesnapshotcontent-bound-protection'
const snapshots = '/apis/snapshot.storage.k8s.io/v1'

interface Claim extends KubeObject {
  metadata: KubeObject['metadata'] & { uid: string; namespace: string; annotations?: Record<string, string> }
  spec: {
    storageClassName?: string
    volumeName?: string
    selector?: object
    accessModes: string[]
    dataSource?: { kind: string; name: string }
    resources: { requests: { storage: string } }
  }
}

/** Works off claims, released volumes, attachments and snapshots. */
export class Csi {
  readonly #world: World
  readonly #api: Api

  constructor(world: World, api: Api) {
    this.#world = world
    this.#api = api
  }

  /** Does what there is to do now. */
  async sync(): Promise<void> {
    const found = await this.#driver()
    if (!found) return
    const { cloud, tags } = found
    const classes = await this.#api.list('/apis/storage.k8s.io/v1/storageclasses')
    const claims = (await this.#api.list('/api/v1/persistentvolumeclaims')) as Claim[]
    const volumes = await this.#api.list('/api/v1/persistentvolumes')
    for (const claim of claims) {
      const of = classes.find(({ metadata }) => metadata.name === claim.spec.storageClassName)
      // Kubernetes says when: for a class that waits, once a pod has a place. The real provisioner refuses a selector, by
      // which Velero keeps a claim waiting for its data.
      if (
        claim.metadata.annotations?.['volume.kubernetes.io/storage-provisioner'] !== driver ||
        claim.spec.selector ||
        claim.spec.volumeName ||
        claim.metadata.deletionTimestamp ||
        treeAt({ of }, 'of').provisioner !== driver
      )
        continue
      const made = volumes.some(({ metadata }) => metadata.name === `pvc-${claim.metadata.uid}`)
      if (!made) await this.#provision(cloud, tags, claim, of ?? claim)
    }
    for (const volume of volumes.filter((one) => treeAt(one, 'spec', 'csi').driver === driver))
      if (isReleased(volume) && volume.spec?.persistentVolumeReclaimPolicy === 'Delete') {
        await cloud.call('DELETE', `volumes/${handleOf(volume)}`)
        await this.#api.call('DELETE', `/api/v1/persistentvolumes/${volume.metadata.name}`)
      }
    await this.#attach(
      cloud,
      volumes.filter((one) => !isReleased(one)),
    )
    await this.#snapshot(cloud, tags, claims, volumes)
    await this.#forgetSnapshots(cloud)
  }

  /** The driver as it is installed; undefined before. */
  async #driver(): Promise<{ cloud: CloudVolumes; tags: string[] } | undefined> {
    const [controller, secret] = await Promise.all([
      this.#api.find('/apis/apps/v1/namespaces/kube-system/statefulsets/csi-do-controller'),
      this.#api.find('/api/v1/namespaces/kube-system/secrets/digitalocean'),
    ])
    if (Number(controller?.status?.readyReplicas ?? 0) < 1 || !secret) return undefined
    const token = Buffer.from(secret.data?.['access-token'] ?? '', 'base64').toString()
    const words = listAt(controller, 'spec', 'template', 'spec', 'containers').flatMap(({ args }) =>
      Array.isArray(args) ? args.map(String) : [],
    )
    const tag = words.find((word) => word.startsWith('--do-tag='))?.slice('--do-tag='.length)
    return { cloud: cloudVolumes(this.#world, token), tags: tag ? [tag] : [] }
  }

  async #provision(cloud: CloudVolumes, tags: string[], claim: Claim, of: KubeObject): Promise<void> {
    const [node] = await this.#api.list('/api/v1/nodes')
    const region = (node?.metadata.labels as Record<string, string> | undefined)?.region
    const name = `pvc-${claim.metadata.uid}`
    const size = gibibytes(claim.spec.resources.requests.storage)
    const from = claim.spec.dataSource
    const snapshot =
      from?.kind === 'VolumeSnapshot' ? await this.#handle(claim.metadata.namespace, from.name) : ''
    if (from && !snapshot) return
    const wish = {
      name,
      region,
      size_gigabytes: size,
      description: 'Created by DigitalOcean CSI driver',
      tags,
    }
    const { id } = treeAt(
      await cloud.call('POST', 'volumes', snapshot ? { ...wish, snapshot_id: snapshot } : wish),
      'volume',
    )
    await this.#api.apply(`/api/v1/persistentvolumes/${name}`, {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name, annotations: { 'pv.kubernetes.io/provisioned-by': driver } },
      spec: {
        capacity: { storage: `${size}Gi` },
        accessModes: claim.spec.accessModes,
        claimRef: {
          apiVersion: 'v1',
          kind: 'PersistentVolumeClaim',
          namespace: claim.metadata.namespace,
          name: claim.metadata.name,
          uid: claim.metadata.uid,
        },
        persistentVolumeReclaimPolicy: treeAt({ of }, 'of').reclaimPolicy ?? 'Delete',
        storageClassName: of.metadata.name,
        csi: { driver, fsType: 'ext4', volumeHandle: id },
      },
    })
  }

  async #attach(cloud: CloudVolumes, volumes: KubeObject[]): Promise<void> {
    const path = '/apis/storage.k8s.io/v1/volumeattachments'
    const all = await this.#api.list(path)
    const attachments = all.filter((one) => one.spec?.attacher === driver)
    const nodes = await this.#api.list('/api/v1/nodes')
    for (const one of attachments) {
      const name = treeAt(one, 'spec', 'source').persistentVolumeName
      const volume = volumes.find(({ metadata }) => metadata.name === name)
      const node = nodes.find(({ metadata }) => metadata.name === one.spec?.nodeName)
      if (!volume || !node || one.status?.attached === true) continue
      const ids = (node.metadata.annotations as Record<string, string>)['csi.volume.kubernetes.io/nodeid']
      const droplet = Number(JSON.parse(ids ?? '{}')[driver])
      const { droplet_ids: plugged } = treeAt(
        await cloud.call('GET', `volumes/${handleOf(volume)}`),
        'volume',
      )
      if (!Array.isArray(plugged) || !plugged.includes(droplet))
        await cloud.act(handleOf(volume), { type: 'attach', droplet_id: droplet })
      const status = { apiVersion: one.apiVersion, kind: one.kind, status: { attached: true } }
      await this.#api.apply(`${path}/${one.metadata.name}/status`, status)
    }
    for (const volume of volumes.filter((one) => treeAt(one, 'spec', 'csi').driver === driver)) {
      if (
        attachments.some((one) => treeAt(one, 'spec', 'source').persistentVolumeName === volume.metadata.name)
      )
        continue
      const { droplet_ids: plugged } = treeAt(
        await cloud.call('GET', `volumes/${handleOf(volume)}`),
        'volume',
      )
      for (const droplet of Array.isArray(plugged) ? plugged : [])
        await cloud.act(handleOf(volume), { type: 'detach', droplet_id: droplet })
    }
  }

  /** Snapshots of claims, as snapshot-controller and csi-snapshotter make them, and their deletion. */
  async #snapshot(
    cloud: CloudVolumes,
    tags: string[],
    claims: Claim[],
    volumes: KubeObject[],
  ): Promise<void> {
    for (const one of await this.#api.list(`${snapshots}/volumesnapshots`)) {
      const { name, namespace = '', uid } = one.metadata
      if (one.status?.readyToUse === true || one.metadata.deletionTimestamp) continue
      const source = treeAt(one, 'spec', 'source')
      const content =
        typeof source.volumeSnapshotContentName === 'string'
          ? source.volumeSnapshotContentName
          : `snapcontent-${uid}`
      const made = await this.#api.find(`${snapshots}/volumesnapshotcontents/${content}`)
      let handle = treeAt(made, 'spec', 'source').snapshotHandle ?? treeAt(made, 'status').snapshotHandle
      if (!made) {
        const claim = claims.find(
          ({ metadata }) =>
            metadata.namespace === namespace && metadata.name === source.persistentVolumeClaimName,
        )
        const volume = volumes.find(({ metadata }) => metadata.name === claim?.spec.volumeName)
        if (!volume) continue
        const answer = await cloud.call('POST', `volumes/${handleOf(volume)}/snapshots`, {
          name: `snapshot-${uid}`,
          tags,
        })
        handle = treeAt(answer, 'snapshot').id
        await this.#content(one, content, handleOf(volume))
      }
      const { min_disk_size: size } = treeAt(await cloud.call('GET', `snapshots/${handle}`), 'snapshot')
      const status = { readyToUse: true, restoreSize: `${size}Gi`, creationTime: new Date().toISOString() }
      await this.#api.apply(`${snapshots}/volumesnapshotcontents/${content}/status`, {
        apiVersion: one.apiVersion,
        kind: 'VolumeSnapshotContent',
        status: {
          readyToUse: true,
          restoreSize: Number(size) * 2 ** 30,
          snapshotHandle: handle,
          creationTime: Date.now() * 1e6,
        },
      })
      await this.#api.apply(`${snapshots}/namespaces/${namespace}/volumesnapshots/${name}/status`, {
        apiVersion: one.apiVersion,
        kind: one.kind,
        status: { ...status, boundVolumeSnapshotContentName: content },
      })
    }
  }

  /** What becomes of a snapshot whose object goes: with `Delete` it goes as well. */
  async #forgetSnapshots(cloud: CloudVolumes): Promise<void> {
    const there = await this.#api.list(`${snapshots}/volumesnapshots`)
    for (const one of await this.#api.list(`${snapshots}/volumesnapshotcontents`)) {
      const path = `${snapshots}/volumesnapshotcontents/${one.metadata.name}`
      const { namespace, name } = treeAt(one, 'spec', 'volumeSnapshotRef')
      const isAlone = !there.some(
        ({ metadata }) => metadata.namespace === namespace && metadata.name === name,
      )
      // Without a status it was never bound: who makes the pair makes this one first.
      const goes = one.spec?.deletionPolicy === 'Delete' && treeAt(one, 'status').readyToUse === true
      if (!one.metadata.deletionTimestamp && !(goes && isAlone)) continue
      const handle = treeAt(one, 'status').snapshotHandle
      if (goes && handle)
        await cloud.call('DELETE', `snapshots/${handle}`).catch((error: Error) => {
          if (!/: 404 /.test(error.message)) throw error
        })
      if (!one.metadata.deletionTimestamp) await this.#api.call('DELETE', path)
      await this.#api.call('PATCH', path, { metadata: { finalizers: null } }, 'application/merge-patch+json')
    }
  }

  async #content(one: KubeObject, name: string, volumeHandle: string): Promise<void> {
    const { name: of, namespace, uid } = one.metadata
    const [named] = (await this.#api.list(`${snapshots}/volumesnapshotclasses`)).filter(
      ({ metadata }) => metadata.name === one.spec?.volumeSnapshotClassName,
    )
    await this.#api.apply(`${snapshots}/volumesnapshotcontents/${name}`, {
      apiVersion: one.apiVersion,
      kind: 'VolumeSnapshotContent',
      metadata: { name, finalizers: [protection] },
      spec: {
        deletionPolicy: treeAt({ named }, 'named').deletionPolicy ?? 'Delete',
        driver,
        source: { volumeHandle },
        volumeSnapshotClassName: one.spec?.volumeSnapshotClassName,
        volumeSnapshotRef: { apiVersion: one.apiVersion, kind: one.kind, name: of, namespace, uid },
      },
    })
  }

  /** DigitalOcean's id of a VolumeSnapshot, when it is ready. */
  async #handle(namespace: string, name: string): Promise<string | undefined> {
    const one = await this.#api.find(`${snapshots}/namespaces/${namespace}/volumesnapshots/${name}`)
    const content = one?.status?.boundVolumeSnapshotContentName
    if (typeof content !== 'string') return undefined
    const found = await this.#api.find(`${snapshots}/volumesnapshotcontents/${content}`)
    return found?.status?.snapshotHandle as string | undefined
  }
}

const isReleased = ({ status }: KubeObject) => status?.phase === 'Released'

const handleOf = (volume: KubeObject): string => String(treeAt(volume, 'spec', 'csi').volumeHandle)
