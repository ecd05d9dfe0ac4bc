import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Cluster } from '../cluster.ts'
import { type Kind, resourceOf } from '../kinds.ts'
import { mergePatch } from '../merge.ts'
import { Refusal } from '../refusal.ts'
import { listAt, type Thing, type Tree, textAt, treeAt } from '../tree.ts'
import { acted, bare, merged, unbound } from './restore-actions.ts'
import type { RestoreFilter } from './restore-filter.ts'

/** What a restore tells, and the claims whose bytes are still to come. */
export interface Told {
  errors: string[]
  warnings: string[]
  restored: number
  volumes: { claim: Thing; info: Tree }[]
}

/** Patience with a namespace that is going; the real Velero has ten minutes. */
const patience = 10_000

/** Restores the objects of one backup, one after the other, each with what it needs. */
export class ObjectRestore {
  readonly told: Told = { errors: [], warnings: [], restored: 0, volumes: [] }
  readonly #cluster: Cluster
  readonly #wish: Thing
  readonly #backup: Thing
  readonly #filter: RestoreFilter
  readonly #infos: readonly Tree[]
  readonly #saved: Map<string, Thing>
  readonly #done = new Set<string>()
  /** Volumes that claims get anew instead of the one of the backup. */
  readonly #renewed = new Set<string>()
  readonly #uploads: Thing[] = []

  constructor(
    cluster: Cluster,
    {
      wish,
      backup,
      filter,
      infos,
      objects,
    }: {
      wish: Thing
      backup: Thing
      filter: RestoreFilter
      infos: readonly Tree[]
      objects: readonly [string, Thing][]
    },
  ) {
    this.#cluster = cluster
    this.#wish = wish
    this.#backup = backup
    this.#filter = filter
    this.#infos = infos
    this.#saved = new Map(objects.map(([resource, thing]) => [keyOf(resource, thing), thing]))
  }

  async restore(resource: string, saved: Thing): Promise<void> {
    if (resource === 'namespaces') return void (await this.#namespace(saved.metadata.name))
    const { store } = this.#cluster
    const { name, namespace } = saved.metadata
    const id = namespace ? `${resource}/${namespace}/${name}` : `${resource}/${name}`
    const key = keyOf(resource, saved)
    if (this.#done.has(key) || !this.#filter.admits(resource, saved)) return
    if (namespace && !(await this.#namespace(namespace))) return
    if (isCompleted(resource, saved)) return
    this.#done.add(key)
    if (resource === 'pods' && saved.metadata.annotations?.['kubernetes.io/config.mirror']) return
    if (/^volumesnapshot(content)?s\.snapshot/.test(resource)) {
      this.told.warnings.push(`${id}: paper restores no snapshot objects but those that its claims need`)
      return
    }
    if (resource === 'datauploads.velero.io') this.#uploads.push(saved)
    if (resource === 'persistentvolumes' && this.#isRenewed(saved)) return void this.#renewed.add(name)
    const stripped = resource === 'persistentvolumes' ? unbound(bare(saved)) : bare(saved)
    const changed = acted(store, resource, stripped, this.#wish)
    if (!changed) return
    for (const [other, home, called] of neededBy(resource, saved)) {
      const also = this.#saved.get(`${other} ${home ?? ''}/${called}`)
      if (also) await this.restore(other, also)
      else this.told.warnings.push(`stat resources/${other}/${called}.json: no such file or directory`)
    }
    try {
      const thing = resource === 'persistentvolumeclaims' ? this.#claim(changed, saved) : changed
      this.#create(resource, id, this.#labelled(thing), saved)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      this.told.errors.push(error.message)
    }
  }

  /** Makes a namespace with the backup's labels where there is none; one that is going is waited for. */
  async #namespace(name: string): Promise<boolean> {
    const { store } = this.#cluster
    const live = () => store.find('Namespace', undefined, name)
    const end = Date.now() + patience
    while (live()?.metadata.deletionTimestamp && Date.now() < end && this.#cluster.isUp())
      await sleep(100, undefined, { ref: false })
    if (live()?.metadata.deletionTimestamp) {
      const why = `timed out waiting for terminating namespace ${name} to disappear before restoring`
      if (!this.told.errors.includes(why)) this.told.errors.push(why)
      return false
    }
    if (live()) return true
    const saved = this.#saved.get(`namespaces /${name}`)
    const { labels, annotations } = saved?.metadata ?? {}
    const metadata = { name, ...(labels ? { labels } : {}), ...(annotations ? { annotations } : {}) }
    store.create({ apiVersion: 'v1', kind: 'Namespace', metadata })
    this.told.restored++
    return true
  }

  /** Whether a volume's data comes by another way, or its claim gets a new and empty one. */
  #isRenewed(volume: Thing): boolean {
    const method = this.#infos.find((one) => one.pvName === volume.metadata.name)?.backupMethod
    return Boolean(method) || textAt(volume, 'spec', 'persistentVolumeReclaimPolicy') === 'Delete'
  }

  /** A claim waits for the volume that is filled for it: by a selector that nothing else meets, or from its snapshot. */
  #claim(thing: Thing, saved: Thing): Thing {
    const { store } = this.#cluster
    const { name, namespace } = saved.metadata
    const isThere = store.find('PersistentVolumeClaim', namespace, name) !== undefined
    const info = this.#infos.find((one) => one.pvcNamespace === namespace && one.pvcName === name)
    const { volumeName, ...spec } = treeAt(thing, 'spec')
    const annotations = saved.metadata.annotations ?? {}
    if (!isThere && treeAt(this.#wish, 'spec').restorePVs === false) {
      const { dataSource: _source, dataSourceRef: _reference, ...empty } = spec
      return { ...thing, spec: empty }
    }
    if (!isThere && treeAt(this.#backup, 'spec').snapshotMoveData === true) {
      if (annotations['velero.io/data-upload-name']) {
        const label = `velero.io/pvc-namespace-name=${namespace}.${name}`
        const told = this.#uploads.filter(
          (one) =>
            textAt(one, 'spec', 'sourcePVC') === name && textAt(one, 'spec', 'sourceNamespace') === namespace,
        )
        const wrong = (what: string) =>
          new Refusal(
            422,
            'Invalid',
            `error preparing persistentvolumeclaims/${namespace}/${name}: fail get DataUploadResult for restore: ${this.#wish.metadata.name}: ${what} found with labels ${label}`,
          )
        if (told.length === 0) throw wrong('no DataUpload result cm')
        if (told.length > 1) throw wrong('multiple DataUpload result cms')
        const selector = { matchLabels: { 'velero.io/dynamic-pv-restore': this.#wish.metadata.name } }
        return { ...thing, spec: { ...spec, selector } }
      }
    } else if (!isThere && annotations['velero.io/volume-snapshot-name']) {
      const dataSource = {
        apiGroup: 'snapshot.storage.k8s.io',
        kind: 'VolumeSnapshot',
        name: `velero-${name}-${this.#wish.metadata.uid.slice(0, 5)}`,
      }
      if (textAt(info, 'csiSnapshotInfo', 'snapshotHandle'))
        return { ...thing, spec: { ...spec, dataSource, dataSourceRef: dataSource } }
    }
    return this.#renewed.has(String(volumeName)) || !volumeName ? { ...thing, spec } : thing
  }

  #labelled(thing: Thing): Thing {
    const labels = {
      ...thing.metadata.labels,
      'velero.io/backup-name': this.#backup.metadata.name,
      'velero.io/restore-name': this.#wish.metadata.name,
    }
    const { managedFields: _managers, ...metadata } = thing.metadata
    return { ...thing, metadata: { ...metadata, labels } as Thing['metadata'] }
  }

  #create(resource: string, id: string, thing: Thing, saved: Thing): void {
    const { store } = this.#cluster
    const { namespace, name } = thing.metadata
    const kind = store.kinds.all().find((one) => resourceOf(one) === resource)
    if (!kind) {
      this.told.errors.push(`error restoring ${id}: the server could not find the requested resource`)
      return
    }
    const live = store.find(kind, namespace, name)
    if (live) {
      this.#meet(kind, live, thing)
      return
    }
    try {
      const made = store.create(thing)
      this.told.restored++
      const info = this.#infos.find((one) => one.pvcNamespace === namespace && one.pvcName === name)
      if (kind.kind === 'PersistentVolumeClaim' && info && isFilled(made))
        this.told.volumes.push({ claim: made, info })
      if (kind.kind === 'Pod' && this.#infos.some((one) => isOf(one, saved)))
        this.told.errors.push(`${id}: paper brings no bytes of file-system backups back`)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      this.told.errors.push(`error restoring ${id}: ${error.message}`)
    }
  }

  /** An object that is there stays as it is, with a warning; an account takes what it lacks; `update` patches. */
  #meet(kind: Kind, live: Thing, thing: Thing): void {
    const { store } = this.#cluster
    const { name } = thing.metadata
    if (isDeepStrictEqual(this.#labelled(bare(live)), thing)) return
    if (kind.kind === 'ServiceAccount') return void store.update(merged(live, thing))
    if (textAt(this.#wish, 'spec', 'existingResourcePolicy') === 'update')
      try {
        return void store.update(mergePatch(live, thing) as Thing)
      } catch (error) {
        if (!(error instanceof Refusal)) throw error
        return void this.told.warnings.push(error.message)
      }
    this.told.warnings.push(
      `could not restore, ${kind.kind}:${name} already exists. Warning: the in-cluster version is different than the backed-up version`,
    )
  }
}

const keyOf = (resource: string, { metadata }: Thing) =>
  `${resource} ${metadata.namespace ?? ''}/${metadata.name}`

const isOf = (info: Tree, pod: Thing) =>
  textAt(info, 'pvbInfo', 'podName') === pod.metadata.name &&
  textAt(info, 'pvbInfo', 'podNamespace') === pod.metadata.namespace

/** Whether a claim waits for a volume that this restore fills. */
const isFilled = (claim: Thing) =>
  textAt(claim, 'spec', 'dataSource', 'kind') === 'VolumeSnapshot' ||
  textAt(claim, 'spec', 'selector', 'matchLabels', 'velero.io/dynamic-pv-restore') !== ''

function isCompleted(resource: string, thing: Thing): boolean {
  if (resource === 'pods') return /^(Failed|Succeeded)$/.test(textAt(thing, 'status', 'phase'))
  return resource === 'jobs.batch' && textAt(thing, 'status', 'completionTime') !== ''
}

/** What Velero's actions bring back with an object: resource, namespace and name. */
function neededBy(resource: string, saved: Thing): [string, string | undefined, string][] {
  const { namespace } = saved.metadata
  if (resource === 'persistentvolumeclaims') {
    const volume = textAt(saved, 'spec', 'volumeName')
    return textAt(saved, 'status', 'phase') === 'Bound' && volume
      ? [['persistentvolumes', undefined, volume]]
      : []
  }
  if (resource !== 'pods') return []
  const priority = textAt(saved, 'spec', 'priorityClassName')
  return [
    ...listAt(saved, 'spec', 'volumes').flatMap((one): [string, string | undefined, string][] => {
      const claim = textAt(one, 'persistentVolumeClaim', 'claimName')
      return claim ? [['persistentvolumeclaims', namespace, claim]] : []
    }),
    ...(priority
      ? [['priorityclasses.scheduling.k8s.io', undefined, priority] as [string, undefined, string]]
      : []),
  ]
}
