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
const backupLists = {
  'include-cluster-scoped-resources': 'includedClusterScopedResources',
  'exclude-cluster-scoped-resources': 'excludedClusterScopedResources',
  'include-namespace-scoped-resources': 'includedNamespaceScopedResources',
  'exclude-namespace-scoped-resources': 'excludedNamespaceScopedResources',
}
const booleans = {
  'snapshot-move-data': 'snapshotMoveData',
  'include-cluster-resources': 'includeClusterResources',
  'restore-volumes': 'restorePVs',
  'snapshot-volumes': 'snapshotVolumes',
  'default-volumes-to-fs-backup': 'defaultVolumesToFsBackup',
  'preserve-nodeports': 'preserveNodePorts',
}
const both = ['kubeconfig', 'namespace', 'wait', 'labels', 'annotations', 'selector']
const common = [...Object.keys(lists), 'item-operation-timeout', 'include-cluster-resources']
const specFlags = {
  backup: [
    ...common,
    ...Object.keys(backupLists),
    'ttl',
    'csi-snapshot-timeout',
    'storage-location',
    'snapshot-move-data',
    'snapshot-volumes',
    'default-volumes-to-fs-backup',
    'resource-policies-configmap',
    'from-schedule',
  ],
  restore: [
    ...common,
    'from-backup',
    'existing-resource-policy',
    'restore-volumes',
    'preserve-nodeports',
    'parallel-files-download',
  ],
}
const unset = {
  backup: { metadata: {}, hooks: {}, ttl: '0s', csiSnapshotTimeout: '0s', itemOperationTimeout: '0s' },
  restore: { hooks: {}, uploaderConfig: {}, itemOperationTimeout: '0s' },
}
// pflag gives these a value only by `=`.
const switches = ['wait', 'client-only', ...Object.keys(booleans)]
const final = /^(Completed|PartiallyFailed|Failed|FailedValidation)$/

/** velero's command line: it writes Backups and Restores into the cluster and reads them there. */
export async function velero(call: Call): Promise<number> {
  const line = parse(call.argv, switches, { n: 'namespace', o: 'output', w: 'wait', l: 'selector' })
  const [kind = '', verb = '', name, ...more] = line.words
  if (kind === 'version') {
    call.out('Client:\n\tVersion: stand-in (simulated)\n\tGit commit: -\n')
    return 0
  }
  if ((kind !== 'backup' && kind !== 'restore') || more.length > 0) throw new Unknown(line.words.join(' '))
  const kube = openKube(call, line.text('kubeconfig'))
  const home = `/apis/velero.io/v1/namespaces/${line.text('namespace') ?? 'velero'}`
  try {
    if (verb === 'create') return await create(call, kube, line, { kind, name, home })
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
  { kind, name: given, home }: { kind: 'backup' | 'restore'; name: string | undefined; home: string },
): Promise<number> {
  line.only([...both, ...specFlags[kind]])
  const backup = line.text('from-backup')
  const schedule = line.text('from-schedule')
  if (kind === 'restore') await kube.call('GET', `${home}/backups/${backup}`)
  const location = line.text('storage-location')
  if (location) await kube.call('GET', `${home}/backupstoragelocations/${location}`)
  const from = schedule ? await kube.call<Thing>('GET', `${home}/schedules/${schedule}`) : undefined
  const name =
    given ?? (from ? `${schedule}-${stamp()}` : kind === 'restore' ? `${backup}-${stamp()}` : undefined)
  if (!name) throw new Failed('a backup name is required, unless you are creating based on a schedule')
  const own = { labels: pairs(line, 'labels'), annotations: pairs(line, 'annotations') }
  const template = from && scheduled(from)
  const merged = (field: 'labels' | 'annotations') => {
    const all = { ...template?.[field], ...own[field] }
    return Object.keys(all).length > 0 ? { [field]: all } : {}
  }
  const metadata = { name, ...merged('labels'), ...merged('annotations') }
  const title = kind === 'backup' ? 'Backup' : 'Restore'
  const spec = template?.spec ?? specOf(line, kind)
  const body = { apiVersion: 'velero.io/v1', kind: title, metadata, spec, status: {} }
  if (schedule) call.out('Creating backup from schedule, all other filters are ignored.\n')
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
  for (const [flag, field] of Object.entries({ ...lists, ...backupLists }))
    if (line.has(flag)) spec[field] = line.many(flag)
  for (const [flag, field] of Object.entries(texts)) if (line.has(flag)) spec[field] = line.text(flag)
  for (const [flag, field] of Object.entries(booleans))
    if (line.text(flag) !== undefined) spec[field] = line.has(flag)
  const files = line.text('parallel-files-download')
  if (files !== undefined) spec.uploaderConfig = { parallelFilesDownload: Number(files) }
  for (const [flag, field] of Object.entries(durations))
    if (line.has(flag)) spec[field] = duration(seconds(line.text(flag) ?? ''))
  if (line.has('selector')) spec.labelSelector = { matchLabels: pairs(line, 'selector') }
  const policy = line.text('resource-policies-configmap')
  if (policy) spec.resourcePolicy = { apiGroup: null, kind: 'configmap', name: policy }
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

const stamp = () => new Date().toISOString().replace(/[-:T]|\..*$/g, '')

/** A backup as a Schedule makes it: its template, its labels and the one that names it. */
function scheduled(schedule: Thing): {
  spec: Record<string, unknown>
  labels: Record<string, string>
  annotations: Record<string, string>
} {
  const { template } = schedule.spec as { template: Record<string, unknown> }
  const own = (template.metadata as { labels?: Record<string, string> } | undefined)?.labels
  const labels = own ?? (schedule.metadata.labels as Record<string, string> | undefined)
  const annotations = schedule.metadata.annotations as Record<string, string> | undefined
  return {
    spec: template,
    labels: { ...labels, 'velero.io/schedule-name': schedule.metadata.name },
    annotations: { ...annotations },
  }
}

function pairs(line: Line, flag: 'labels' | 'annotations' | 'selector'): Record<string, string> {
  return Object.fromEntries(line.many(flag).map((pair) => pair.split('=') as [string, string]))
}

/** Seconds as Go writes them: `25m0s`. */
function duration(all: number): string {
  const [h, m, s] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60]
  return `${h ? `${h}h` : ''}${h || m ? `${m}m` : ''}${s}s`
}
