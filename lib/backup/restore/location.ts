import { dump, load } from 'js-yaml'
import { z } from 'zod'
import { tell } from '../../base/story.ts'
import { waitFor } from '../../base/wait.ts'
import type { Kube } from '../../clients/tools.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { storageLocation } from '../../gitops/render.ts'
import { valuesOf } from '../../gitops/repository-values.ts'
import { hasRoot } from '../../kubernetes/applications.ts'
import { applyForArgoCd } from '../../kubernetes/repeated.ts'
import { locationAvailable, look } from '../proof/look.ts'

const manifest = z.looseObject({ spec: z.looseObject({}) })

/**
 * Applies the storage location under the name that Git gives it, but read-only: Velero neither adds to the backups nor
 * deletes those that expired. The app of apps turns it read-write; once that is there, the location is Git's.
 */
export async function readOnlyLocation(kube: Kube, cluster: Cluster): Promise<void> {
  if (await hasRoot(kube)) return tell('=', 'backup storage', 'Git’s, and read-write')
  const values = valuesOf(cluster, '')
  const { original } = cluster
  const bucket = original ? { ...original, name: original.velero } : values.bucket
  const { name, region, endpoint } = bucket
  const location = manifest.parse(load(storageLocation({ ...values, bucket: { name, region, endpoint } })))
  const text = dump({ ...location, spec: { ...location.spec, accessMode: 'ReadOnly' } })
  await applyForArgoCd(kube, text)
  await locationAvailable(kube)
}

/** Waits until Velero has read the bucket and knows a backup; it looks once a minute. @throws Problem after 5 min */
export async function waitForSync(kube: Kube, backup: string): Promise<void> {
  const started = performance.now()
  await waitFor({ until: `Velero knows backup ${backup}`, every: 3, within: 300 }, async () =>
    (await look(kube, 'backups.velero.io', backup, z.object({}))) ? true : undefined,
  )
  tell('=', `backup ${backup}`, 'known to Velero', (performance.now() - started) / 1000)
}
