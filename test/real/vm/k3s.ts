import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { type PartName, partFolder } from '../parts/parts.ts'

const source = join(import.meta.dirname, 'k3s', '__main__.py')
const wanted: PartName[] = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kwok',
  // These two the stand-in does not start: a test does (kubelet.ts).
  'kubelet',
  'fake-runtime',
]

/** The built program of a part, in the cache; it is there only once it is whole. */
const partOf = (cache: string, name: PartName) => join(cache, 'parts', basename(partFolder(name)), name)

/** Which of the programs that a machine gets have not been built. */
export function partsMissing(cache: string): string[] {
  return [
    ...wanted.filter((name) => !existsSync(partOf(cache, name))),
    ...(existsSync(join(cache, 'linked', 'kubectl')) ? [] : ['kubectl']),
  ]
}

/** The stand-in for k3s: what a machine downloads, and the disk that has the real programs. */
export interface StandIn {
  file: string
  disk: string
}

/**
 * Makes the stand-in for k3s. The true k3s has the programs in itself; here they lie on a disk of their own that each
 * machine may read, because to fetch, hash and unpack 400 MB takes an emulated machine longer than all the rest.
 * @returns its paths in the cache, the disk named by what it holds
 * @throws Error with what mke2fs said
 */
export function standIn(cache: string): StandIn {
  const digest = createHash('sha256')
    .update(wanted.map((name) => partOf(cache, name)).join())
    .digest('hex')
  const disk = join(cache, 'vm', `programs-${digest.slice(0, 12)}.img`)
  if (existsSync(disk)) return { file: source, disk }
  const work = mkdtempSync(join(cache, 'vm', 'packing-'))
  try {
    for (const name of wanted) copyFileSync(partOf(cache, name), join(work, name))
    copyFileSync(join(cache, 'linked', 'kubectl'), join(work, 'kubectl'))
    for (const name of readdirSync(work)) chmodSync(join(work, name), 0o755)
    writeFileSync(join(work, 'stages.yaml'), stages(partOf(cache, 'kwok')))
    execFileSync('mke2fs', ['-q', '-t', 'ext4', '-O', '^has_journal', '-d', work, `${disk}.new`, '1G'])
    renameSync(`${disk}.new`, disk)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return { file: source, disk }
}

/** kwok's own stages for nodes and pods, which come with its module. */
function stages(kwok: string): string {
  const folder = join(kwok, '..', 'stages')
  const files = ['node/fast', 'node/heartbeat', 'pod/fast'].flatMap((name) =>
    readdirSync(join(folder, name))
      .filter((file) => file.endsWith('.yaml') && file !== 'kustomization.yaml')
      .map((file) => join(folder, name, file)),
  )
  return files.map((file) => readFileSync(file, 'utf8')).join('\n---\n')
}
