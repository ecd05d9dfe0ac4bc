import { z } from 'zod'
import { isDryRun } from '../../base/dry-run.ts'
import { parseJson } from '../../base/json.ts'
import { mapAll } from '../../base/parallel.ts'
import { tell } from '../../base/story.ts'
import { cloudTime } from '../../clients/clock.ts'
import { lately } from '../../clients/lately.ts'
import { noneTooLarge } from '../../clients/object-sizes.ts'
import type { Bucket } from '../../clients/s3.ts'
import { type Kube, kubectl, ToolFailure } from '../../clients/tools.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { ownMachines } from '../../cluster/ours.ts'
import { runKubeconfig } from '../../kubernetes/kubeconfig.ts'
import { kubectlRepeated } from '../../kubernetes/repeated.ts'
import type { Buckets } from '../../store/buckets.ts'
import type { Kit } from '../../store/kit.ts'
import { believedFiles, isAsThen, mostFiles, type Voucher, writeVoucher } from './voucher.ts'
import { isAnother, printsOf, unreadable, vouchersOf, type Witness } from './vouching.ts'

const backups = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), uid: z.string() }),
      status: z
        .object({
          phase: z.string().optional(),
          startTimestamp: z.string().optional(),
          completionTimestamp: z.string().optional(),
        })
        .default({}),
    }),
  ),
})
/** A cluster's own objects of its backups. */
export type Living = z.infer<typeof backups>['items']

const file = z.object({ metadata: z.object({ uid: z.string() }) })

/** Milliseconds after its end, as Velero tells it, within which Velero has written the last file of a backup. */
const writing = 120_000

/**
 * The cluster as a witness of its own backups. Velero makes an object of every folder that it finds in the bucket
 * (`backup_sync_controller.go`), but the API server gives each object that is made a UID of its own: so the one that
 * `velero-backup.json` names, and that is in the cluster, was given by it when Velero began that backup. And whoever
 * writes over a file later cannot choose the time that the store notes.
 * @param living its own objects of them; a text says why it cannot be asked
 * @param now tells the store's time
 */
export function witness(bucket: Bucket, living: () => Promise<Living | string>, now: () => Date): Witness {
  return async (backup) => {
    const all = await living()
    if (typeof all === 'string') return all
    const own = all.find(({ metadata }) => metadata.name === backup)
    if (!own) return 'the cluster knows of no such backup'
    const { phase, startTimestamp = '', completionTimestamp = '' } = own.status
    if (phase !== 'Completed') return `it is ${phase ?? 'new'} in the cluster`
    const files = await believedFiles(bucket, backup)
    if (files.size > mostFiles) return 'it has more files than Velero writes'
    const [begun, ended] = [Date.parse(startTimestamp) - writing, Date.parse(completionTimestamp) + writing]
    // A time that cannot be read is no witness.
    const isIts = (at: Date) => at.getTime() >= begun && at.getTime() <= ended
    for (const [name, { at }] of files)
      if (!isIts(at))
        return `${name} was written at ${at.toISOString().slice(0, 19)}Z, and the backup ended at ${completionTimestamp || 'no time'}`
    const notIts = 'it was not made by the cluster that is there now'
    if ((await uidIn(bucket, backup)) !== own.metadata.uid) return notIts
    const prints = await printsOf(bucket, files)
    if ([...prints.values()].includes(unreadable)) return 'a file of it cannot be read'
    const after = await believedFiles(bucket, backup)
    const isStill = [...files].every(([name, one]) => {
      const later = after.get(name)
      return later !== undefined && isAsThen(later, one)
    })
    if (!isStill || after.size !== files.size) return 'it was written to just now'
    const kept = [...files].map(([name, { size, at, etag }]) => {
      const entry = { sha256: prints.get(name) ?? '', size, at: at.toISOString() }
      return [name, etag === undefined ? entry : { ...entry, etag }] as const
    })
    const voucher: Voucher = {
      ...{ backup, uid: own.metadata.uid, at: now().toISOString() },
      files: Object.fromEntries(kept),
    }
    return { voucher, prints }
  }
}

/** The UID in a backup's own description; undefined where there is none that can be read. */
async function uidIn(bucket: Bucket, backup: string): Promise<string | undefined> {
  const bytes = await bucket.get(`backups/${backup}/velero-backup.json`).catch(noneTooLarge)
  return file.safeParse(parseJson(Buffer.from(bytes ?? '').toString())).data?.metadata.uid
}

/** The cluster whose backups these are as a witness, if it lives; it is asked once, and only when it must be. */
export function clusterAsWitness(cluster: Cluster, bucket: Bucket, kit: Kit): Witness {
  let asked: Promise<Living | string> | undefined
  const ask = async (): Promise<Living | string> => {
    const { droplets, reservedIps } = await ownMachines(lately(cluster.cloud), cluster.name)
    const [address] = reservedIps
    if (!address || droplets.every(({ status }) => status !== 'active'))
      return 'no cluster runs that could say so'
    const kube = { file: await runKubeconfig(cluster, kit, address.ip) }
    try {
      return (await kubectl(kube)`get backups.velero.io -n velero --request-timeout 10s -o json`).json(
        backups,
      ).items
    } catch (error) {
      if (!(error instanceof ToolFailure)) throw error
      return `the Kubernetes API at ${address.ip}:6443, which could say so, does not answer`
    }
  }
  const living = () => {
    asked ??= ask()
    return asked
  }
  return witness(bucket, living, () => cloudTime(cluster.cloud))
}

/** A cluster that answers as a witness of its own backups; it is asked once. Nothing waits for its word. */
export function kubeAsWitness(kube: Kube, cluster: Cluster, bucket: Bucket): Witness {
  let asked: Promise<Living | string> | undefined
  const ask = async (): Promise<Living | string> => {
    try {
      return (await kubectlRepeated(kube)`get backups.velero.io -n velero -o json`).json(backups).items
    } catch (error) {
      if (!(error instanceof ToolFailure)) throw error
      return 'the cluster does not answer'
    }
  }
  const living = () => {
    asked ??= ask()
    return asked
  }
  return witness(bucket, living, () => cloudTime(cluster.cloud))
}

/**
 * Vouches for the backups that no run has seen yet, beside the cluster that made them. One that somebody altered since
 * is told.
 * @param writable the bucket of the kit, to be written: asked for only when there is something to write
 */
export async function vouchForNew(
  kube: Kube,
  cluster: Cluster,
  { velero, kit }: Pick<Buckets, 'velero' | 'kit'>,
  writable: () => Promise<Bucket | undefined> = async () => kit,
): Promise<void> {
  if (isDryRun()) return
  const names = (await velero.list('backups/')).flatMap(
    ({ key }) => /^backups\/([^/]+)\/velero-backup\.json$/.exec(key)?.[1] ?? [],
  )
  const vouchers = vouchersOf(velero, kit)
  const looks = await mapAll(names, async (name) => ({ name, vouching: await vouchers.look(name) }), 16)
  const doubted = looks.filter(({ vouching }) => vouching.state !== 'vouched for')
  if (doubted.length === 0) return
  const ask = kubeAsWitness(kube, cluster, velero)
  for (const { name, vouching } of doubted) {
    const seen = await ask(name)
    if (typeof seen === 'object' && isAnother(vouching, seen.voucher)) {
      const bucket = await writable()
      if (bucket) await writeVoucher(bucket, seen.voucher)
      tell('+', `backup ${name}`, 'vouched for')
    } else if (vouching.state === 'altered')
      tell('!', `backup ${name}`, `altered since it was vouched for: ${vouching.why}`)
  }
}
