import { gunzipSync, gzipSync } from 'node:zlib'
import { backedVolumes } from '../../../lib/backup/backed.ts'
import { ageOf, listBackups } from '../../../lib/backup/backups.ts'
import { bytesIn } from '../../../lib/backup/bytes.ts'
import { chooseBackup } from '../../../lib/backup/choose.ts'
import { copiesIn } from '../../../lib/backup/copies.ts'
import { deletedBackups, deletedTable } from '../../../lib/backup/deleted.ts'
import { toExtend } from '../../../lib/backup/expiry.ts'
import { backedObjects } from '../../../lib/backup/objects.ts'
import { backupTable, records } from '../../../lib/backup/record.ts'
import { lastWhole } from '../../../lib/backup/vouch/last.ts'
import { bucketWith, claim, clusterWith, moved, snapped } from '../../backup/bucket.ts'
import { tarball } from '../ground.ts'
import type { Random } from './random.ts'
import { attempted, readOnly, type Target } from './target.ts'

const base = await bucketWith({
  good: {},
  other: { volumes: [moved('shop', 'db'), snapped('shop', 'files')] },
})
const folder = 'backups/other'
const secret = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'a', namespace: 'shop', uid: '1', labels: { a: 'b' } },
  data: {},
}
const deployment = {
  ...{ apiVersion: 'apps/v1', kind: 'Deployment' },
  metadata: { name: 'web', namespace: 'shop', ownerReferences: [{ kind: 'Thing', name: 'x', uid: '2' }] },
  spec: { replicas: 1, template: { spec: { containers: [] } } },
}
const [bound, volume] = claim('shop', 'db').map(({ resource, ...one }) => ({
  ...{
    apiVersion: 'v1',
    kind: resource === 'persistentvolumes' ? 'PersistentVolume' : 'PersistentVolumeClaim',
  },
  ...one,
}))
const objects: Record<string, unknown> = {
  'resources/secrets/namespaces/shop/a.json': secret,
  'resources/deployments.apps/namespaces/shop/web.json': deployment,
  'resources/persistentvolumeclaims/namespaces/shop/db.json': bound,
  'resources/persistentvolumes/cluster/pvc-db.json': volume,
}

/** A file of a backup, changed as data or as bytes. */
async function alteredFile(random: Random, key: string, bytes: Buffer): Promise<Buffer> {
  if (random.maybe(0.3)) return random.bytes(bytes)
  if (key.endsWith('.tar.gz')) {
    const files = Object.entries(objects).map(([path, one]): [string, string] => [
      random.maybe(0.1)
        ? random.pick([
            path.replace('shop', random.text()),
            random.text(),
            path.replace('.json', `${random.text()}.json`),
          ])
        : path,
      random.maybe(0.05)
        ? random.garbled(JSON.stringify(one))
        : (JSON.stringify(random.maybe(0.5) ? one : random.changed(one)) ?? ''),
    ])
    const packed = await tarball(Object.fromEntries(files.filter(([path]) => path !== '')))
    return random.maybe(0.3) ? gzipSync(random.bytes(gunzipSync(packed))) : packed
  }
  const text = key.endsWith('.gz') ? gunzipSync(bytes).toString() : bytes.toString()
  const changed = random.maybe(0.2)
    ? random.garbled(text)
    : (JSON.stringify(random.changed(JSON.parse(text))) ?? '')
  return key.endsWith('.gz') ? gzipSync(changed) : Buffer.from(changed)
}

/** A backup that was altered beside one that was not: the good one is always there, and nothing is written or removed. */
export const backups: Target = async (random, told) => {
  const files = new Map<string, Buffer>()
  const name = random.maybe(0.8) ? 'other' : random.text()
  for (const { key } of await base.list('')) {
    const bytes = Buffer.from((await base.get(key)) ?? '')
    const own = key.startsWith(`${folder}/`)
    if (own && random.maybe(0.1)) continue
    const content = own && random.maybe(0.4) ? await alteredFile(random, key, bytes) : bytes
    files.set(own ? key.replaceAll('other', name) : key, content)
  }
  const bucket = readOnly({
    get: async (key: string) => files.get(key),
    exists: async (key: string) => files.has(key),
    list: async (prefix = '', most = Number.POSITIVE_INFINITY) =>
      [...files]
        .filter(([key]) => key.startsWith(prefix))
        .slice(0, most)
        .map(([key, { length }]) => ({ key, size: length, at: new Date(0) })),
    versions: async (prefix = '') =>
      [...files]
        .filter(([key]) => key.startsWith(prefix))
        .map(([key, { length }]) => ({
          ...{
            key,
            id: random.maybe() ? 'null' : '1',
            at: new Date(random.below(9) * 1000),
            etag: 'e',
            size: length,
          },
          ...{ isDeletion: random.maybe(0.2), isLatest: random.maybe() },
        })),
  })
  const cluster = clusterWith()
  const all = await listBackups(bucket, cluster)
  const good = all.find(({ metadata }) => metadata.name === 'good')
  if (good?.wholeness.state !== 'whole') throw new Error('the good backup is not whole any more')
  const whole = all
    .filter(({ wholeness }) => wholeness.state === 'whole')
    .map(({ metadata }) => metadata.name)
  const last = await lastWhole({ velero: bucket, kit: bucket }, cluster)
  if (!last || !whole.includes(last.metadata.name)) throw new Error('the last whole backup is none')
  told(ageOf(last, cluster))
  told(backupTable(await records({ velero: bucket }, cluster, [])).join('\n'))
  told(deletedTable(await deletedBackups({ velero: bucket }, cluster, 30)).join('\n'))
  told(toExtend(all, 'other', Date.now(), 30).map(({ backup, to }) => `${backup} ${to}`))
  const chosen = await chooseBackup(bucket, 'latest', cluster)
  if (chosen.wholeness.state !== 'whole') throw new Error('the latest is not whole')
  for (const { id, resource } of await backedObjects(bucket, chosen.metadata.name).catch(() => []))
    if (/^-|\/-|[*,]/.test(id) || /^-|[,*/]/.test(resource)) throw new Error(`${resource} ${id} is a name`)
  await attempted(() => backedObjects(bucket, 'other'), told)
  for (const one of await backedVolumes(bucket, chosen.metadata.name, bytesIn(bucket, cluster)))
    if (/^-|[*,]|\/-/.test(`${one.claim} ${one.volume}`)) throw new Error(`${one.claim} is a name`)
  // A volume of a person's is nobody's copy unless its id says so.
  const own = { volumes: [{ name: 'photos', id: 'v-9', created_at: '2020-01-01T00:00:00Z' }] } as never
  if ((await copiesIn(bucket, cluster, own)).volumes.size > 0)
    throw new Error('a volume counts as held that no backup has')
  await attempted(() => chooseBackup(bucket, name, cluster), told)
}
