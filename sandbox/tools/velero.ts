import { setTimeout as sleep } from 'node:timers/promises'
import { aligned } from './aligned.ts'
import { type Call, Failed, type Line, parse, seconds, Unknown } from './call.ts'
import { type Kube, openKube, type Thing } from './kube.ts'

// The flags that velero turns into a field of the spec, by how it reads them.
const lists = {
  'include-namespaces': 'includedNamespaces',
  'exclude-namespaces': 'excludedNamespaces',
  'include-resources': 'includedResources',
  'exclude-resources': 'excludedResources',
}
const durations = {
  ttl: 'ttl',
  'csi-snapshot-timeout': 'csiSnapshotTimeout',
  'item-operation-timeout': 'itemOperationTimeout',
}
const texts = {
  'storage-location': 'storageLocation',
  'from-backup': 'backupName',
  'existing-resource-policy': 'existingResourcePolicy',
}
const booleans = {
  'snapshot-move-data': 'snapshotMoveData',
  'include-cluster-resources': 'includeClusterResources',
  'preserve-nodeports': 'preserveNodePorts',
  'restore-volumes': 'restorePVs',
}
const specFlags = Object.keys({ ...lists, ...durations, ...texts, ...booleans })
const unset = {
  backup: { metadata: {}, hooks: {}, ttl: '0s', csiSnapshotTimeout: '0s', itemOperationTimeout: '0s' },
  restore: { hooks: {}, uploaderConfig: {}, itemOperationTimeout: '0s' },
}
const final = /^(Completed|PartiallyFailed|Failed|FailedValidation)$/

/** velero's command line: it writes Backups and Restores into the cluster and reads them there. */
export async function velero(call: Call): Promise<number> {
  const line = parse(call.argv, ['wait', 'client-only'], { n: 'namespace', o: 'output', w: 'wait' })
  const [kind = '', verb = '', name, ...more] = line.words
  if (kind === 'version') {
    call.out('Client:\n\tVersion: stand-in (simulated)\n\tGit commit: -\n')
    return 0
  }
  if ((kind !== 'backup' && kind !== 'restore') || more.length > 0) throw new Unknown(line.words.join(' '))
  const kube = openKube(call, line.text('kubeconfig'))
  const home = `/apis/velero.io/v1/namespaces/${line.text('namespace') ?? 'velero'}`
  try {
    if (verb === 'create' && name) return await create(call, kube, line, { kind, name, home })
    if (verb === 'get') return await get(call, kube, line, `${home}/${kind}s${name ? `/${name}` : ''}`)
  } catch (error) {
    if (!(error instanceof Failed)) throw error
    throw new Failed(`velero: ${error.message.replace(/^Error from server \(\w+\): /, '')}`)
  }
  throw new Unknown(`${kind} ${verb}`)
}

async function create(
  call: Call,
  kube: Kube,
  line: Line,
  { kind, name, home }: { kind: 'backup' | 'restore'; name: string; home: string },
): Promise<number> {
  line.only(['kubeconfig', 'namespace', 'wait', 'labels', 'annotations', ...specFlags])
  const backup = line.text('from-backup')
  if (kind === 'restore') await kube.call('GET', `${home}/backups/${backup}`)
  const location = line.text('storage-location')
  if (location) await kube.call('GET', `${home}/backupstoragelocations/${location}`)
  const metadata = { name, ...pairs(line, 'labels'), ...pairs(line, 'annotations') }
  const title = kind === 'backup' ? 'Backup' : 'Restore'
  const body = { apiVersion: 'velero.io/v1', kind: title, metadata, spec: specOf(line, kind), status: {} }
  await kube.call('POST', `${home}/${kind}s`, { body })
  call.out(`${title} request "${name}" submitted successfully.\n`)
  const more = `\`velero ${kind} describe ${name}\` `
  if (!line.has('wait')) {
    call.out(`Run ${more}or \`velero ${kind} logs ${name}\` for more details.\n`)
    return 0
  }
  call.out(
    `Waiting for ${kind} to complete. You may safely press ctrl-c to stop waiting - your ${kind} will continue in the background.\n`,
  )
  while (!call.signal.aborted) {
    const phase = phaseOf(await kube.call<Thing>('GET', `${home}/${kind}s/${name}`))
    if (final.test(phase)) {
      // As the real one: exit code 0 whatever became of it (pitfall of `--wait`).
      const hint = `You may check for more information using the commands ${more}and \`velero ${kind} logs ${name}\`.`
      call.out(`\n${title} completed with status: ${phase}. ${hint}\n`)
      return 0
    }
    await sleep(200)
  }
  return 1
}

function specOf(line: Line, kind: 'backup' | 'restore'): Record<string, unknown> {
  const spec: Record<string, unknown> = { includedNamespaces: ['*'], ...unset[kind] }
  for (const [flag, field] of Object.entries(lists)) if (line.has(flag)) spec[field] = line.many(flag)
  for (const [flag, field] of Object.entries(texts)) if (line.has(flag)) spec[field] = line.text(flag)
  for (const [flag, field] of Object.entries(booleans))
    if (line.text(flag) !== undefined) spec[field] = line.has(flag)
  for (const [flag, field] of Object.entries(durations))
    if (line.has(flag)) spec[field] = duration(seconds(line.text(flag) ?? ''))
  return spec
}

async function get(call: Call, kube: Kube, line: Line, path: string): Promise<number> {
  line.only(['kubeconfig', 'namespace', 'output'])
  const found = await kube.call<Thing & { items?: Thing[] }>('GET', path)
  if (line.text('output') === 'json') call.out(`${JSON.stringify(found, null, 2)}\n`)
  else {
    const rows = (found.items ?? [found]).map((one) => [
      one.metadata.name,
      phaseOf(one) || 'New',
      String(one.metadata.creationTimestamp),
    ])
    call.out(aligned([['NAME', 'STATUS', 'CREATED'], ...rows], 3))
  }
  return 0
}

const phaseOf = (thing: Thing) => (thing.status as { phase?: string } | undefined)?.phase ?? ''

function pairs(line: Line, flag: 'labels' | 'annotations') {
  const each = line.many(flag).map((pair) => pair.split('='))
  return each.length > 0 ? { [flag]: Object.fromEntries(each) } : {}
}

/** Seconds as Go writes them: `25m0s`. */
function duration(all: number): string {
  const [h, m, s] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60]
  return `${h ? `${h}h` : ''}${h || m ? `${m}m` : ''}${s}s`
}
