import { readComparison, toldBefore } from '../../../lib/backup/restore/compared.ts'
import { Reports } from '../../../lib/kubernetes/reports.ts'
import { restorations } from '../../../lib/machines/first/restoration.ts'
import { nodeRecords, readNote, readReport } from '../../../lib/store/nodes.ts'
import { daysNoted } from '../../../lib/store/past.ts'
import { attempted, readOnly, type Target } from './target.ts'

const at = '2026-11-30T10:00:00Z'
const report = {
  step: 'k3s',
  state: 'done',
  at,
  seconds: 3,
  bootId: 'b',
  message: 'fine',
  log: 'a\nb',
  simulated: true,
}
const good: Record<string, object> = {
  'nodes/main-1/started.json': { ...report, step: 'started' },
  'nodes/main-1/fetch.json': { ...report, step: 'fetch' },
  'nodes/main-1/host.json': { ...report, step: 'host' },
  'nodes/main-1/k3s.json': report,
  'nodes/main-1/argocd.json': { ...report, step: 'argocd', state: 'failed', message: 'it failed' },
  'nodes/main-1/bundle.json': {
    name: 'main-1',
    accessKey: 'a',
    veleroKey: 'b',
    address: '192.0.2.1',
    sha256: 'c',
    at,
    lastStep: 'argocd',
  },
  'nodes/main-1/restore.json': {
    backup: 'nightly',
    server: 'main-1',
    at,
    droplets: [{ id: '1', name: 'main-0' }],
    volumes: [],
  },
  'nodes/main-1/compared.json': {
    at,
    backup: 'nightly',
    equal: 1,
    unequal: [{ key: 'a', why: 'b' }],
    volumes: [],
  },
  'nodes/main-1/proof.json': {
    at,
    verdict: 'PROVEN',
    headline: 'a',
    notRestored: [{ resource: 'a', id: 'b', why: 'c' }],
  },
  'versions.json': { days: 30 },
}

/** What a node reports by its signed URLs, and what lies beside it. */
export const reports: Target = async (random, told) => {
  const files = new Map(
    Object.entries(good).map(([key, value]) => {
      const text = JSON.stringify(value)
      if (random.maybe(0.6)) return [key, Buffer.from(text)]
      return [
        key,
        random.maybe()
          ? Buffer.from(JSON.stringify(random.changed(value)) ?? '')
          : random.bytes(Buffer.from(text)),
      ]
    }),
  )
  const kit = readOnly({
    name: 'kit',
    get: async (key: string) => files.get(key),
    list: async (prefix = '') =>
      [...files]
        .filter(([key]) => key.startsWith(prefix))
        .map(([key, { length }]) => ({ key, size: length, at: new Date(0) })),
  })
  const buckets = { kit } as never
  for (const look of [
    () => readReport(kit, 'main-1', 'k3s'),
    () => readReport(kit, 'main-1', 'argocd'),
    () => readNote(kit, 'main-1'),
    () => nodeRecords(kit),
    () => restorations(kit),
    () => readComparison(kit, 'main-1'),
    () => toldBefore(kit, 'main-1'),
    () => daysNoted(kit),
    () => new Reports(buckets, 'main-1', 'first-server').follow(),
  ])
    await attempted(look, told)
}
