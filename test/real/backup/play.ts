import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

// A cluster as far as Velero's verbs see it, in the place of kubectl and velero: its state lies in a file.

/** A claim as the cluster has it; `restore` is its label `velero.io/restore-name`. */
interface Claim {
  namespace: string
  name: string
  phase: string
  restore?: string
}

/** What is there, what Velero will make of the next orders, and what was asked of the tools. */
export interface Stage {
  /** Phases of the restores and backups that are to come. */
  plan: string[]
  restores: Record<string, string>
  backups: Record<string, string>
  claims: Claim[]
  /** Claims that a restore that ends Completed fills, each with the bytes that are moved. */
  fills: { namespace: string; name: string; bytes: number }[]
  downloads: { restore: string; namespace: string; name: string; bytes: number }[]
  /** What `kubectl get KIND` lists beside that. */
  lists: Record<string, unknown[]>
  said: string[]
  applied: string[]
}

/** Puts the stand-ins into a folder, which `REGROW_TOOLS` then names. @returns how the stage is set and looked at */
export function openStage(folder: string): { set(stage: Partial<Stage>): void; seen(): Stage } {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'stage.json')
  // The stand-ins are no modules, wherever the folder lies.
  writeFileSync(join(folder, 'package.json'), '{"type": "commonjs"}')
  for (const tool of ['kubectl', 'velero'])
    writeFileSync(join(folder, tool), `#!${process.execPath}\n${player}`, { mode: 0o755 })
  process.env.REGROW_TOOLS = folder
  const empty: Stage = {
    plan: [],
    restores: {},
    backups: {},
    claims: [],
    fills: [],
    downloads: [],
    lists: {},
    said: [],
    applied: [],
  }
  return {
    set: (stage) => writeFileSync(file, JSON.stringify({ ...empty, ...stage })),
    seen: () => JSON.parse(readFileSync(file, 'utf8')) as Stage,
  }
}

// Exit code 0 for what failed, too: as `velero … create` does.
const player = `
const { readFileSync, writeFileSync } = require('node:fs')
const { basename, join } = require('node:path')
const file = join(__dirname, 'stage.json')
const stage = JSON.parse(readFileSync(file, 'utf8'))
const words = process.argv.slice(2)
const flag = (name) => words[words.indexOf(name) + 1]
stage.said.push([basename(process.argv[1]), ...words].join(' '))
const end = (out) => {
  writeFileSync(file, JSON.stringify(stage))
  if (out !== undefined) process.stdout.write(JSON.stringify(out))
  process.exit(0)
}
const at = (verb) => words.indexOf(verb)
if (basename(process.argv[1]) === 'velero') {
  const [kind] = words.filter((word) => word === 'restore' || word === 'backup')
  const name = words[at('create') + 1]
  const phase = stage.plan.shift() ?? 'Completed'
  stage[kind + 's'][name] = phase
  if (kind === 'restore')
    for (const { namespace, name: claim, bytes } of stage.fills) {
      // What is there is skipped, and the restore says nothing of it.
      if (stage.claims.some((one) => one.namespace === namespace && one.name === claim)) continue
      stage.claims.push({ namespace, name: claim, phase: phase === 'Completed' ? 'Bound' : 'Pending', restore: name })
      if (phase === 'Completed') stage.downloads.push({ restore: name, namespace, name: claim, bytes })
    }
  end()
}
if (at('apply') >= 0) {
  stage.applied.push(readFileSync(0, 'utf8'))
  end()
}
if (at('delete') >= 0) {
  const [kind, name] = words.slice(at('delete') + 1)
  if (/^persistentvolumeclaim/.test(kind))
    stage.claims = stage.claims.filter((one) => one.name !== name || one.namespace !== flag('-n'))
  end()
}
const [kind, name] = words.slice(at('get') + 1)
const restore = /velero.io\\/restore-name=(\\S+)/.exec(words.join(' '))?.[1]
const label = (one) => (one === undefined ? {} : { 'velero.io/restore-name': one })
const lists = {
  persistentvolumeclaims: () =>
    stage.claims
      .filter((one) => restore === undefined || one.restore === restore)
      .map((one) => ({
        metadata: { namespace: one.namespace, name: one.name, uid: one.name, labels: label(one.restore) },
        spec: { volumeName: 'pv-' + one.name },
        status: { phase: one.phase },
      })),
  persistentvolumes: () =>
    stage.claims.map((one) => ({
      metadata: { name: 'pv-' + one.name },
      spec: { claimRef: { uid: one.name }, csi: { volumeHandle: 'handle-' + one.name } },
    })),
  'datadownloads.velero.io': () =>
    stage.downloads
      .filter((one) => restore === undefined || one.restore === restore)
      .map((one) => ({
        metadata: { labels: label(one.restore) },
        spec: { targetVolume: { pvc: one.name, namespace: one.namespace } },
        status: { phase: 'Completed', progress: { totalBytes: one.bytes, bytesDone: one.bytes } },
      })),
}
const phases = { 'restores.velero.io': stage.restores, 'backups.velero.io': stage.backups }
if (phases[kind]) {
  const phase = phases[kind][name]
  end(phase === undefined ? undefined : { status: { phase } })
}
if (kind === 'backupstoragelocations.velero.io') end({ status: { phase: 'Available' } })
if (kind === 'applications.argoproj.io' && name === 'root') end()
if (flag('-o') === 'name') end()
end({ items: (lists[kind] ?? (() => stage.lists[kind] ?? []))() })
`
