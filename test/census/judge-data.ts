import type { Bytes, Cloud, Evidence, Fault, Proof } from './evidence.ts'
import { Dump, idOf, type Thing, textAt } from './things.ts'

/** The claims that had a volume of the driver when the backup began, with its id at DigitalOcean. */
function claimsWithVolumes(then: Dump): { claim: string; handle: string }[] {
  return then.of('persistentvolumeclaims').flatMap((claim) => {
    const volume = then.find('persistentvolumes', textAt(claim, 'spec', 'volumeName'))
    const handle = textAt(volume, 'spec', 'csi', 'volumeHandle')
    return handle && claim.metadata.deletionTimestamp === undefined ? [{ claim: idOf(claim), handle }] : []
  })
}

/** Every claim with bytes is told, and its bytes are what they are said to be. */
export function judgeVolumes({ before, bytes, dropped = [] }: Evidence, told: Proof): Fault[] {
  const then = new Dump(before)
  return claimsWithVolumes(then).flatMap(({ claim }): Fault[] => {
    const about = `volume of claim ${claim}`
    if (dropped.includes(`persistentvolumeclaims ${claim}`)) return []
    if (isOptedOut(then.find('persistentvolumeclaims', claim))) return []
    const line = told.volumes.find((one) => one.claim === claim)
    const differs = differing(bytes, claim)
    if (!line) {
      const isSaid = [...told.missing, ...told.notRestored].some((one) => one.includes(claim))
      return isSaid ? [] : [{ what: 'lost without a word', about, says: 'the proof has no such volume' }]
    }
    if (line.missing)
      return differs.length > 0 || bytes.after[claim] === undefined
        ? []
        : [{ what: 'there after all', about, says: `every byte is there; the proof says: ${line.missing}` }]
    const short = line.bytes !== undefined && line.bytes !== line.moved
    return [
      ...(differs.length > 0 ? [{ what: 'bytes differ' as const, about, says: differs.join(', ') }] : []),
      ...(short
        ? [{ what: 'verdict' as const, about, says: `${line.moved} of ${line.bytes} bytes count as all` }]
        : []),
    ]
  })
}

const isOptedOut = (thing: Thing | undefined) =>
  thing?.metadata.labels?.['velero.io/exclude-from-backup'] === 'true'

/** The files of a claim that are not what they were when the backup began. */
function differing({ before, after }: { before: Bytes; after: Bytes }, claim: string): string[] {
  const [was, is] = [before[claim] ?? {}, after[claim]]
  if (!is) return ['there is no volume']
  return Object.keys(was).filter((file) => was[file] !== is[file])
}

/**
 * Nothing that may be the only copy is destroyed, and nothing is billed that nobody names.
 * @param found what is wrong with the proof
 */
export function judgeCloud(evidence: Evidence, told: Proof | undefined, found: readonly Fault[]): Fault[] {
  const { before, after = [], bytes, cloud, dropped = [] } = evidence
  const lost = found.filter(({ what }) => losses.has(what))
  const notAccepted = (told?.objects ?? [])
    .filter(({ outcome, id }) => outcome === 'not restored' && !planOf(evidence).includes(id))
    .map(({ resource, id }) => `${resource} ${id}`)
  const unsafe = [
    ...(told?.verdict === 'PROVEN' ? [] : [told ? 'the verdict is NOT PROVEN' : 'there is no proof']),
    ...lost.map(({ what, about }) => `${what}: ${about}`),
    ...notAccepted.map((line) => `the plan did not name: ${line}`),
  ]
  const then = new Dump(before)
  const gone = destroyed(cloud.before, cloud.after)
  const droplets = gone.droplets.flatMap(({ name }): Fault[] =>
    unsafe.length > 0
      ? [{ what: 'only copy destroyed', about: `droplet ${name}`, says: unsafe.slice(0, 3).join('; ') }]
      : [],
  )
  const volumes = gone.volumes.flatMap(({ id, name }): Fault[] => {
    const claim = claimsWithVolumes(then).find(({ handle }) => handle === id)?.claim
    const about = `volume ${name}`
    if (!claim) return [{ what: 'only copy destroyed', about, says: 'no claim of the backup had it' }]
    if (dropped.includes(`persistentvolumeclaims ${claim}`)) return []
    const differs = differing(bytes, claim)
    return differs.length > 0
      ? [{ what: 'only copy destroyed', about, says: `of claim ${claim}: ${differs.join(', ')}` }]
      : []
  })
  return [...droplets, ...volumes, ...(told ? unnamed(evidence, told, new Dump(after)) : [])]
}

const losses = new Set<Fault['what']>([
  'bytes differ',
  'not there',
  'lost without a word',
  'data not restored',
  'reason not true',
])

/** What a person said yes to: everything that was told before the question. */
const planOf = ({ ended: { err } }: Evidence) => err.split(/^Go on\?/m)[0] ?? ''

function destroyed(before: Cloud, after: Cloud): Pick<Cloud, 'droplets' | 'volumes'> {
  const has = (list: readonly { id: string }[]) => new Set(list.map(({ id }) => id))
  const [droplets, volumes] = [has(after.droplets), has(after.volumes)]
  return {
    droplets: before.droplets.filter(({ id }) => !droplets.has(id)),
    volumes: before.volumes.filter(({ id }) => !volumes.has(id)),
  }
}

/** What of the cluster's is billed, and neither serves it now nor is named. */
function unnamed({ before, cloud }: Evidence, told: Proof, now: Dump): Fault[] {
  const isOurs = ({ tags }: { tags: string[] }) => tags.some((tag) => tag === 'regrow:main')
  const isNamed = ({ id, name }: { id: string; name: string }) =>
    told.stays.some((line) => line.includes(name) || line.includes(id))
  const nodes = new Set(now.of('nodes').map(idOf))
  const handles = (dump: Dump) =>
    new Set(dump.of('persistentvolumes').map((one) => textAt(one, 'spec', 'csi', 'volumeHandle')))
  const [served, serves] = [handles(new Dump(before)), handles(now)]
  const earlier = new Set(cloud.before.snapshots.map(({ id }) => id))
  const idle = [
    ...cloud.after.droplets
      .filter((one) => isOurs(one) && !nodes.has(one.name))
      .map((one) => ['droplet', one] as const),
    ...cloud.after.volumes
      .filter((one) => (isOurs(one) || served.has(one.id)) && !serves.has(one.id))
      .map((one) => ['volume', one] as const),
    ...cloud.after.snapshots.filter(({ id }) => !earlier.has(id)).map((one) => ['snapshot', one] as const),
  ]
  return idle
    .filter(([, one]) => !isNamed(one))
    .map(([kind, { name }]) => ({
      what: 'costs without a word',
      about: `${kind} ${name}`,
      says: 'nothing uses it',
    }))
}
