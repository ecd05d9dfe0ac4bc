import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { type Ended, type How, runIn } from './box.ts'

// A person's own things in a cluster, to be lost and brought back. Files are counted by their hash in the volumes' own
// directories, which Velero has no part in.

/** Where a cluster grows: the box with paper, or with real parts in its place. */
export interface Surroundings {
  dir: string
  env: Record<string, string>
  run(command: string, words?: string[], how?: How): Promise<Omit<Ended, 'requests'>>
  /** Speaks to the simulated DigitalOcean as the person could. */
  cloud(method: string, path: string, body?: object): Promise<Record<string, unknown>>
  /** From now on upstream has nothing any more: each address answers 404. */
  withdraw(): void
}

const objects = `
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Secret
metadata: {name: only-here, namespace: shop}
stringData: {word: ${randomBytes(12).toString('hex')}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: files, namespace: shop}
spec:
  accessModes: [ReadWriteOnce]
  storageClassName: do-block-storage
  resources: {requests: {storage: 2Gi}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: by-hand, namespace: shop}
spec:
  selector: {matchLabels: {app: by-hand}}
  template:
    metadata: {labels: {app: by-hand}}
    spec:
      containers: [{name: app, image: docker.io/library/busybox, volumeMounts: [{name: files, mountPath: /files}]}]
      volumes: [{name: files, persistentVolumeClaim: {claimName: files}}]
`

/** What a person has in the cluster, and how it is written, backed up, lost and brought back. */
export interface Shop {
  kubectl(words: string, input?: string): Promise<string>
  /** The directory of a claim's volume. */
  volumeOf(namespace: string, claim: string): Promise<string>
  /** Hashes over every file of both volumes, and the Secret that is nowhere else. */
  content(): Promise<{ hello: string; files: string; word: string }>
  /** A workload's work: files of random bytes in both volumes. */
  write(): Promise<void>
  backUp(name: string): Promise<void>
  /** Deletes every droplet and every volume at DigitalOcean, as a disaster would. */
  lose(): Promise<void>
  /** Restores in an empty folder: nothing of the earlier runs is at hand but the two tokens. */
  restore(...words: string[]): Promise<Omit<Ended, 'requests'>>
}

/** Ids of a list that DigitalOcean answered. */
export const ids = (list: unknown) =>
  z
    .array(z.object({ id: z.union([z.string(), z.number()]).transform(String) }))
    .parse(list)
    .map((one) => one.id)

/**
 * Grows a cluster in a box and fills it; the sample's volume is the other of the two.
 * @param words of bootstrap
 */
export async function openShop(box: Surroundings, words: string[] = []): Promise<Shop> {
  const volumes = join(box.dir, '.sandbox', 'volumes')
  const kubectl: Shop['kubectl'] = async (words, input) => {
    const ended = await box.run('kubectl', words.split(' '), input === undefined ? {} : { input })
    if (ended.code !== 0) throw new Error(ended.err)
    return ended.out
  }
  const volumeOf: Shop['volumeOf'] = async (namespace, claim) => {
    const name = await kubectl(`get pvc ${claim} -n ${namespace} -o jsonpath={.spec.volumeName}`)
    return join(volumes, await kubectl(`get pv ${name} -o jsonpath={.spec.csi.volumeHandle}`))
  }
  const both = () => Promise.all([volumeOf('hello', 'hello'), volumeOf('shop', 'files')])
  const grown = await box.run('bootstrap.mts', words)
  if (grown.code !== 0) throw new Error(grown.err)
  await kubectl('apply --server-side -f -', objects)
  await kubectl('wait --for=jsonpath={.status.phase}=Bound pvc/files -n shop --timeout 60s')
  return {
    kubectl,
    volumeOf,
    content: async () => {
      const [hello, files] = await both()
      const word = await kubectl('get secret only-here -n shop -o jsonpath={.data.word}')
      return { hello: hashOf(hello), files: hashOf(files), word }
    },
    write: async () => {
      for (const folder of await both())
        for (const name of ['a', 'deep/er/b']) {
          mkdirSync(join(folder, name, '..'), { recursive: true })
          writeFileSync(join(folder, name), randomBytes(3000 + Math.ceil(Math.random() * 3000)))
        }
    },
    // By regrow: Velero alone would not know of kinds that came a moment ago.
    backUp: async (name) => {
      const ended = await box.run('scripts/backup.mts', ['--backup', name])
      if (ended.code !== 0) throw new Error(ended.err)
    },
    lose: async () => {
      for (const id of ids((await box.cloud('GET', '/v2/droplets')).droplets))
        await box.cloud('DELETE', `/v2/droplets/${id}`)
      for (let left = 1; left > 0; ) {
        const there = ids((await box.cloud('GET', '/v2/volumes')).volumes)
        left = there.length
        // Still attached for a moment: asked again.
        await Promise.all(there.map((id) => box.cloud('DELETE', `/v2/volumes/${id}`).catch(() => {})))
      }
    },
    restore: async (...words) => {
      const dir = mkdtempSync(join(tmpdir(), 'regrow-empty-'))
      try {
        return await runIn(dir, 'restore.mts', ['--json', ...words], { env: box.env })
      } finally {
        rmSync(dir, { recursive: true, force: true })
      }
    },
  }
}

/** A hash over every file of a folder: path and bytes. */
function hashOf(folder: string): string {
  const sum = createHash('sha256')
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()
  for (const name of names.filter((one) => statSync(join(folder, one)).isFile()))
    sum.update(`${name}\0`).update(readFileSync(join(folder, name)))
  return sum.digest('hex')
}
