import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { filesAtOnce } from '../lib/backup/take/selection.ts'
import { textAt } from '../sandbox/cluster/tree.ts'
import { lackingForCluster, openPartsBox, type PartsBox } from '../test/real/parts/ground.ts'
import { get, type KubeObject, kubectl } from '../test/real/parts/kubectl.ts'
import { run } from '../test/sandbox/tools-ground.ts'

// REAL: Velero, its node agent, data mover and kopia with the settings that the repository has, rclone, etcd, Kubernetes.
// SIMULATED: the object store is the box's, on loopback, the same for both; a volume is a folder on this machine's disk.

/** Two volumes of the same size. */
const loads = [
  { name: 'few', files: 20, bytes: 100 * 2 ** 20 },
  { name: 'many', files: 200_000, bytes: 10 * 2 ** 10 },
] as const

/** How long the bytes of one volume were on their way. */
interface Way {
  seconds: number
  mibASecond: number
  /** Times the seconds of `rclone copy` for the same folder, measured right before. */
  ratio: number
  /** The most memory of the pod that moved them, in MiB: its own, and how often it was killed for want of it. */
  memory: { own: number; killed: number } | undefined
}
export type Moved = Record<string, { up: Way; down: Way }>

/** Why this machine cannot measure it; false where it can. */
export const lacksThroughput = (): string | false =>
  lackingForCluster() ||
  (spawnSync('rclone', ['version']).status !== 0 && 'rclone is not installed here') ||
  (!process.env.REGROW_TOOLS && 'REGROW_TOOLS does not say where velero is')

/** Backs two volumes of 2 GB up and brings them back, and copies the same folders with rclone. Takes a quarter of an hour. */
export async function moveBytes(): Promise<Moved> {
  const box = await openPartsBox()
  try {
    const first = await box.run('bootstrap.mts')
    if (first.code !== 0) throw new Error(first.err)
    const moved: Moved = {}
    for (const load of loads) {
      moved[load.name] = await move(box, load)
      process.stderr.write(`  ${load.name}: ${JSON.stringify(moved[load.name])}\n`)
    }
    return moved
  } finally {
    await box.close()
  }
}

async function move(box: PartsBox, load: { name: string; files: number; bytes: number }) {
  const kube = box.env.KUBECONFIG ?? ''
  const { name, files, bytes } = load
  const act = async (words: string[], input?: string) => {
    const { code, err } = await kubectl(kube, words, input)
    if (code !== 0) throw new Error(err)
  }
  const claim = {
    ...{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name, namespace: name } },
    spec: {
      ...{ accessModes: ['ReadWriteOnce'], storageClassName: 'do-block-storage' },
      resources: { requests: { storage: '5Gi' } },
    },
  }
  await act(['create', 'namespace', name])
  await act(['apply', '-f', '-'], JSON.stringify(claim))
  const folder = await volumeOf(box, name)
  for (let n = 0; n < files; n++) {
    const inside = join(folder, String(n % 200))
    if (n < 200) await mkdir(inside)
    await writeFile(join(inside, `${n}.bin`), randomBytes(bytes))
  }
  const copied = await rclone(box, folder, name)
  const mebibytes = (files * bytes) / 2 ** 20
  const way = (of: KubeObject, rcloneSeconds: number, before: string[]): Way => {
    const { startTimestamp, completionTimestamp, phase, message } = of.status ?? {}
    if (phase !== 'Completed') throw new Error(`${of.kind} of ${name}: ${phase} ${message}`)
    const seconds = (Date.parse(String(completionTimestamp)) - Date.parse(String(startTimestamp))) / 1000
    const taken = Object.entries(box.cluster().processes.taken()).filter(([one]) => !before.includes(one))
    const mover = taken.toSorted(([, a], [, b]) => b.own - a.own)[0]?.[1]
    return {
      ...{ seconds, mibASecond: mebibytes / seconds, ratio: seconds / rcloneSeconds },
      memory: mover && { own: mover.own, killed: mover.killed },
    }
  }
  const programs = () => Object.keys(box.cluster().processes.taken())
  const backup = `load-${name}`
  const beforeUp = programs()
  const backedUp = await box.run('scripts/backup.mts', ['--backup', backup])
  if (backedUp.code !== 0) {
    const uploads = (await get(kube, ['datauploads.velero.io', '-n', 'velero'])).map(({ status }) => status)
    const taken = Object.entries(box.cluster().processes.taken()).filter(([one]) => !beforeUp.includes(one))
    throw new Error(`${backedUp.err}${JSON.stringify(uploads)}\nmemory in MiB: ${JSON.stringify(taken)}`)
  }
  const up = way(await mover(kube, 'datauploads.velero.io', name), copied.up, beforeUp)
  await act(['delete', 'namespace', name])
  const beforeDown = programs()
  const chosen = ['--from-backup', backup, '--include-namespaces', name, ...filesAtOnce]
  const words = ['restore', 'create', backup, ...chosen, '--wait']
  await must(run(process.env.REGROW_TOOLS ?? '', ['velero', ...words], { KUBECONFIG: kube, HOME: box.dir }))
  const down = way(await mover(kube, 'datadownloads.velero.io', name), copied.down, beforeDown)
  await act(['delete', 'namespace', name])
  return { up, down }
}

/** The object of Velero that says how the bytes of a claim were moved. */
async function mover(kube: string, kind: string, namespace: string): Promise<KubeObject> {
  const all = await get(kube, [kind, '-n', 'velero'])
  const found = all.find(({ spec = {} }) =>
    [spec.sourceNamespace, (spec.targetVolume as { namespace?: string } | undefined)?.namespace].includes(
      namespace,
    ),
  )
  if (!found) throw new Error(`none of ${kind} is of ${namespace}`)
  return found
}

/** The folder that plays the volume of the claim of that name, once it is bound. */
async function volumeOf({ world, cluster }: PartsBox, name: string): Promise<string> {
  for (let looks = 0; looks < 120; looks++, await sleep(500)) {
    const claim = await cluster().api.find(`/api/v1/namespaces/${name}/persistentvolumeclaims/${name}`)
    if (claim?.status?.phase !== 'Bound') continue
    const volume = await cluster().api.find(`/api/v1/persistentvolumes/${claim.spec?.volumeName}`)
    return world.path('volumes', textAt(volume, 'spec', 'csi', 'volumeHandle'))
  }
  throw new Error(`claim ${name} was not bound within a minute`)
}

/** Seconds that rclone takes to copy a folder to the object store, and back into an empty folder. */
async function rclone({ world, cloud, dir }: PartsBox, folder: string, bucket: string) {
  const grants = [{ bucket: '', permission: 'fullaccess' }]
  const { key } = (await cloud('POST', '/v2/spaces/keys', { name: `rclone-${bucket}`, grants })) as {
    key: { access_key: string; secret_key: string }
  }
  const { host, port } = world.addresses.spaces
  const env = {
    ...{ HOME: dir, RCLONE_CONFIG: '/dev/null' },
    RCLONE_CONFIG_BOX_TYPE: 's3',
    RCLONE_CONFIG_BOX_PROVIDER: 'Minio',
    RCLONE_CONFIG_BOX_ENDPOINT: `http://${host}:${port}`,
    RCLONE_CONFIG_BOX_ACCESS_KEY_ID: key.access_key,
    RCLONE_CONFIG_BOX_SECRET_ACCESS_KEY: key.secret_key,
  }
  const time = async (from: string, to: string) => {
    const started = performance.now()
    await must(run('/usr/bin', ['rclone', 'copy', from, to], env))
    return (performance.now() - started) / 1000
  }
  const back = join(dir, `back-${bucket}`)
  const times = {
    up: await time(folder, `box:rclone-${bucket}`),
    down: await time(`box:rclone-${bucket}`, back),
  }
  await rm(back, { recursive: true })
  return times
}

async function must(done: ReturnType<typeof run>): Promise<void> {
  const { code, out, err } = await done
  if (code !== 0) throw new Error(`${out}${err}`)
}
