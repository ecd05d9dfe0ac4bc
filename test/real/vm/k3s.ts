import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

const source = join(import.meta.dirname, 'k3s', '__main__.py')
const wanted = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kwok']

/** The built program of a part, wherever its version's folder lies in the cache. */
function partOf(cache: string, name: string): string | undefined {
  const parts = join(cache, 'parts')
  const folder = existsSync(parts)
    ? readdirSync(parts).find((one) => one.startsWith(`${name}-v`) && !/\.(new|work)$/.test(one))
    : undefined
  const file = folder && join(parts, folder, name)
  return file && existsSync(file) ? file : undefined
}

/** Which of the programs that the stand-in starts have not been built. */
export function partsMissing(cache: string): string[] {
  return [
    ...wanted.filter((name) => !partOf(cache, name)),
    ...(existsSync(join(cache, 'linked', 'kubectl')) ? [] : ['kubectl']),
  ]
}

/**
 * Packs the stand-in for k3s: one file that can be executed, our script with the real Kubernetes programs behind it.
 * @returns its path in the cache, named by its content
 * @throws Error with what Python said
 */
export function packK3s(cache: string): string {
  const digest = createHash('sha256')
    .update(readFileSync(source))
    .update(wanted.map((name) => partOf(cache, name)).join())
    .digest('hex')
  const file = join(cache, 'vm', `k3s-${digest.slice(0, 12)}`)
  if (existsSync(file)) return file
  const work = mkdtempSync(join(cache, 'vm', 'packing-'))
  try {
    mkdirSync(join(work, 'bin'))
    copyFileSync(source, join(work, '__main__.py'))
    for (const name of wanted) copyFileSync(partOf(cache, name) ?? '', join(work, 'bin', name))
    copyFileSync(join(cache, 'linked', 'kubectl'), join(work, 'bin', 'kubectl'))
    for (const name of readdirSync(join(work, 'bin'))) spawnSync('strip', [join(work, 'bin', name)])
    writeFileSync(join(work, 'bin', 'stages.yaml'), stages(partOf(cache, 'kwok') ?? ''))
    execFileSync('python3', ['-m', 'zipapp', work, '-p', '/usr/bin/env python3', '-o', `${file}.new`])
    chmodSync(`${file}.new`, 0o755)
    renameSync(`${file}.new`, file)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return file
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
