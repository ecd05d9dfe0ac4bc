import { command } from '../../base/hint.ts'
import type { VolumeProof } from '../restore/volumes.ts'
import type { ObjectProof } from './outcome.ts'
import type { Proof } from './proof.ts'

/** How many lines of one sort a page shows before it only counts them: `--json` has all of them. */
const most = 12

/** The proof as a page of lines, below its headline: what is wrong by name and first, the rest in numbers. */
export function page(proof: Proof): Record<string, unknown> {
  const { volumes, objects, address, backup } = proof
  const lacking = [...volumes.filter((one) => one.missing), ...volumes.filter((one) => !one.missing)]
  return {
    backup: [`${backup.name} of ${backup.at}, onto ${proof.server}`, backup.vouching],
    commit: backup.commit?.slice(0, 12),
    missing:
      proof.verdict === 'NOT PROVEN'
        ? few(missingLines(proof))
        : proof.notRestored.length > 0
          ? undefined
          : 'nothing',
    notRestored: few(byReason(objects.filter((one) => one.outcome === 'not restored'))),
    notReady: few(proof.notReady),
    changed: few(proof.changed),
    volumes: few(lacking.map(volumeLine)),
    objects: objectLines(objects),
    compared: proof.comparedAt,
    applications: applicationLines(proof.applications),
    address:
      address.before && address.before !== address.now
        ? `${address.now}, was ${address.before}`
        : address.now,
    dnsToChange: proof.dns,
    keptLonger: proof.extended.map(({ backup, from, to }) => `${backup}  until ${to}, was ${from}`),
    stays: proof.stays,
    notInGit: proof.unwritten.map(
      (what) => `${what}: ${command('restore.mts', '--backup', backup.name)} writes it once GitHub takes it`,
    ),
  }
}

/** As many lines as a person reads, and how many there are beside. */
export const few = (lines: readonly string[]): readonly string[] =>
  lines.length > most ? [...lines.slice(0, most), `and ${lines.length - most} more: see --json`] : lines

/** What is missing, each thing once: a claim and its volume are told with the volume’s bytes. */
export function missingLines({ volumes, objects }: Pick<Proof, 'volumes' | 'objects'>): string[] {
  const lost = new Set(volumes.flatMap((one) => (one.missing ? [one.claim] : [])))
  const isTold = ({ resource, id, why = '' }: ObjectProof) =>
    (resource === 'persistentvolumeclaims' && lost.has(id)) ||
    (resource === 'persistentvolumes' &&
      [...lost].some((one) => why.startsWith(`it is the volume of claim ${one}:`)))
  return [
    ...volumes.flatMap((one) => (one.missing ? [`volume of claim ${one.claim}: ${one.missing}`] : [])),
    ...byReason(objects.filter((one) => one.outcome === 'missing' && !isTold(one))),
  ]
}

/** Objects with the reason for what became of them: one line for all of a kind that share it. */
export function byReason(objects: readonly ObjectProof[]): string[] {
  const groups = new Map<string, { resource: string; why: string; ids: string[] }>()
  for (const { resource, id, why = '' } of objects) {
    const group = groups.get(`${resource} ${why}`) ?? { resource, why, ids: [] }
    groups.set(`${resource} ${why}`, group)
    group.ids.push(id)
  }
  return [...groups.values()].map(({ resource, why, ids }) => {
    const names = ids.length > 5 ? `${ids.slice(0, 5).join(', ')} and ${ids.length - 5} more` : ids.join(', ')
    return `${resource} ${names}${why ? `: ${why}` : ''}`
  })
}

/** How many are there and how they came; kinds that are not complete by name, the others in one line. */
function objectLines(objects: readonly ObjectProof[]): string[] {
  const isThere = ({ outcome }: ObjectProof) => outcome !== 'missing' && outcome !== 'not restored'
  const ways = new Map<string, number>()
  const kinds = new Map<string, { total: number; there: number }>()
  for (const one of objects) {
    ways.set(one.outcome, (ways.get(one.outcome) ?? 0) + 1)
    const kind = kinds.get(one.resource) ?? { total: 0, there: 0 }
    kinds.set(one.resource, kind)
    kind.total++
    if (isThere(one)) kind.there++
  }
  const all = [...kinds]
  const complete = all.filter(([, { total, there }]) => total === there)
  return [
    `${objects.filter(isThere).length} of ${objects.length}: ${[...ways].map(([way, count]) => `${count} ${way}`).join(', ')}`,
    ...all.flatMap(([resource, { total, there }]) =>
      total === there ? [] : [`${resource}  ${there} of ${total}`],
    ),
    ...(complete.length === 0
      ? []
      : [
          `complete: ${complete.map(([resource, { total }]) => `${resource.split('.')[0]} ${total}`).join(', ')}`,
        ]),
  ]
}

const well = 'Synced, Healthy'

function applicationLines(applications: Proof['applications']): string[] {
  const all = Object.entries(applications)
  const others = all.filter(([, state]) => state !== well)
  const good = all.length - others.length
  return [
    ...others.map(([name, state]) => `${name}  ${state}`),
    ...(good === 0 ? [] : [`${good} of ${all.length} ${well}`]),
  ]
}

function volumeLine({ claim, kept, moved, bytes, missing }: VolumeProof): string {
  if (missing) return `${claim}  missing`
  return kept === 's3'
    ? `${claim}  ${moved} bytes moved${bytes === moved ? ', as recorded' : ''}`
    : `${claim}  from its snapshot`
}
