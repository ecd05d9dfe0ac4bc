import { differences } from './content.ts'
import { type Evidence, type Fault, faults, type Proof, proof, type Told } from './evidence.ts'
import { judgeCloud, judgeVolumes } from './judge-data.ts'
import { judgeNodes, noiseOf } from './rules.ts'
import { at, Dump, idOf, keyOf, type Listed, type Thing, textAt } from './things.ts'

// Stands outside: it reads dumps of the API, bytes and the account, and shares no code with what it judges.

/** What is wrong with a proof held against the world, worst first; empty when it tells the truth and nothing more. */
export function judge(evidence: Evidence): Fault[] {
  const told = proofOf(evidence.ended.out)
  const found = told
    ? [
        ...judgeObjects(evidence, told),
        ...judgeVolumes(evidence, told),
        ...judgeNodes(evidence, told),
        ...judgeReadiness(evidence, told),
        ...judgeVerdict(evidence, told),
      ]
    : [{ what: 'no proof' as const, about: 'restore', says: endOf(evidence) }]
  return [...found, ...judgeCloud(evidence, told, found)].toSorted(
    (a, b) => faults.indexOf(a.what) - faults.indexOf(b.what),
  )
}

/** A fault as a line. */
export const tell = ({ what, about, says }: Fault) => `${what}: ${about}: ${says}`

function proofOf(out: string): Proof | undefined {
  try {
    return proof.parse(JSON.parse(out))
  } catch {
    return undefined
  }
}

const endOf = ({ ended: { code, out, err } }: Evidence) =>
  `it ended with ${code} and ${out ? 'a result that is no proof' : 'no result'}: ${err.trimEnd().split('\n').slice(-4).join(' | ')}`

function judgeObjects({ before, after = [], bytes, dropped = [], git }: Evidence, told: Proof): Fault[] {
  const then = new Dump(before)
  // What is being deleted is as good as gone.
  const now = new Dump(after.filter(({ thing }) => thing.metadata.deletionTimestamp === undefined))
  const byKey = new Map<string, Told>()
  const found: Fault[] = []
  const isNoise = noiseOf(before)
  for (const one of told.objects) {
    const about = `${one.resource} ${one.id}`
    if (byKey.has(about)) found.push({ what: 'mentioned twice', about, says: one.outcome })
    byKey.set(about, one)
    const was = then.find(one.resource, one.id)
    found.push(...judgeOne(one, was, { then, now, told, about, bytes }))
    const held = bytes.before[one.id]
    const isData = one.resource === 'persistentvolumeclaims' && held && Object.keys(held).length > 0
    if (isData && one.outcome === 'not restored' && !dropped.includes(about))
      found.push({ what: 'data not restored', about, says: one.why ?? 'no reason' })
    if (one.outcome === 'not restored') found.push(...judgeReason(one, about, git))
  }
  for (const one of before) {
    const about = keyOf(one)
    if (isNoise(one) || byKey.has(about)) continue
    const is = lookalike(one, then, now)
    found.push(
      is && differences(one.thing, is).length === 0
        ? { what: 'not mentioned', about, says: 'it is there' }
        : { what: 'lost without a word', about, says: is ? 'it is another' : 'it is gone' },
    )
  }
  return found
}

interface Seen {
  then: Dump
  now: Dump
  told: Proof
  about: string
  bytes: Evidence['bytes']
}

/** Whether the world is as one line of the proof says. */
function judgeOne(one: Told, was: Thing | undefined, { then, now, told, about, bytes }: Seen): Fault[] {
  const is =
    now.find(one.resource, one.id) ?? (was && lookalike({ resource: one.resource, thing: was }, then, now))
  const differs = was && is ? differences(was, is) : []
  const gone = (): Fault[] => [{ what: 'not there', about, says: `the proof says “${one.outcome}”` }]
  const changed = (): Fault[] =>
    differs.length > 0 && !told.changed.some((line) => names(line, one))
      ? [{ what: 'changed without a word', about, says: differs.join(', ') }]
      : []
  switch (one.outcome) {
    case 'back':
    case 'from Git':
      return is ? changed() : gone()
    case 'made anew':
      if (is) return isOpened(was) ? changed() : []
      return was && hasSibling(one.resource, was, then, now) ? [] : gone()
    case 'not restored':
      // A claim may be there as an object, and what was not restored is what was in it.
      return now.find(one.resource, one.id) && !isEmptied(one, was, then, bytes)
        ? [{ what: 'there after all', about, says: 'the proof says “not restored”' }]
        : []
    case 'missing':
      return is && differs.length === 0 && !isEmptied(one, was, then, bytes)
        ? [{ what: 'there after all', about, says: `the proof says “missing”: ${one.why ?? 'no reason'}` }]
        : []
  }
}

/** A claim, or its volume, that is there without the bytes that it had; a SealedSecret that nothing has opened. */
function isEmptied(
  { resource, id }: Told,
  was: Thing | undefined,
  then: Dump,
  { before, after }: Evidence['bytes'],
): boolean {
  if (was?.kind === 'SealedSecret')
    return ![at(was, 'status', 'conditions') ?? []]
      .flat()
      .some((one) => textAt(one, 'type') === 'Synced' && textAt(one, 'status') === 'True')
  const claim = resource === 'persistentvolumeclaims' ? id : was && claimOf(was)
  if (!claim || !/^persistentvolume/.test(resource)) return false
  const name = textAt(then.find('persistentvolumeclaims', claim), 'spec', 'volumeName')
  const volume = then.find('persistentvolumes', name)
  // A folder of a machine's own disk is empty on another one.
  if (volume && !at(volume, 'spec', 'csi')) return true
  return Object.entries(before[claim] ?? {}).some(([file, digest]) => after[claim]?.[file] !== digest)
}

/** Another may bring it, or make it anew under another name; a volume is known by its claim. */
function lookalike({ resource, thing }: Listed, then: Dump, now: Dump): Thing | undefined {
  // A machine comes back as another one; what a person wrote onto its node is looked at by itself (`judgeNodes`).
  if (resource === 'nodes') return now.of(resource).length > 0 ? thing : undefined
  if (resource !== 'persistentvolumes') return now.find(resource, idOf(thing))
  const claim = claimOf(thing)
  // One that no claim holds is somebody’s own, and known by its name.
  if (!claim || !then.find('persistentvolumeclaims', claim)) return now.find(resource, idOf(thing))
  return now.of(resource).find((one) => claimOf(one) === claim)
}

function claimOf(volume: Thing): string | undefined {
  const claim = at(volume, 'spec', 'claimRef')
  return claim ? `${textAt(claim, 'namespace')}/${textAt(claim, 'name')}` : undefined
}

function hasSibling(resource: string, was: Thing, then: Dump, now: Dump): boolean {
  const root = then.rootOf(was)
  return root !== undefined && now.hasSibling(resource, root)
}

/** A Secret that a SealedSecret made must have its content again. */
const isOpened = (was: Thing | undefined) =>
  was?.kind === 'Secret' && was.metadata.ownerReferences?.some(({ kind }) => kind === 'SealedSecret') === true

/** Why something is not back must be said, and hold. */
function judgeReason({ why, resource, id }: Told, about: string, git: Evidence['git']): Fault[] {
  if (!why) return [{ what: 'reason not true', about, says: 'there is none' }]
  const isInGit = git?.includes(`${resource} ${id}`)
  return /Git (has|lists) it no longer/.test(why) && isInGit
    ? [{ what: 'reason not true', about, says: `“${why}”, and Git has it` }]
    : []
}

/** Whether a line of the proof means this object: its id as a word, and its kind. */
function names(line: string, { resource, id }: { resource: string; id: string }): boolean {
  const isWord = new RegExp(`(^|[^\\w./-])${escaped(id)}($|[^\\w/-])`).test(line)
  const [plural = ''] = resource.split('.')
  return isWord && line.toLowerCase().includes(plural.slice(0, -2).toLowerCase())
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** Workloads that were ready and are not: each by its name. */
function judgeReadiness({ before, after = [] }: Evidence, told: Proof): Fault[] {
  const now = new Dump(after)
  const said = [...told.notReady, ...told.missing]
  return before.flatMap(({ resource, thing }) => {
    const is = now.find(resource, idOf(thing))
    if (!is || !isReady(thing) || isReady(is) !== false) return []
    const isSaid = said.some((line) => names(line, { resource, id: idOf(thing) }))
    return isSaid
      ? []
      : [
          {
            what: 'not ready without a word' as const,
            about: `${resource} ${idOf(thing)}`,
            says: 'it was ready',
          },
        ]
  })
}

/** Whether a workload has the pods it wants; undefined for all other kinds, and where it wants none. */
function isReady({ kind, spec, status }: Thing): boolean | undefined {
  if (kind === 'DaemonSet') {
    const [wanted, ready] = [at(status, 'desiredNumberScheduled'), at(status, 'numberReady')]
    return wanted ? Number(ready ?? 0) >= Number(wanted) : undefined
  }
  if (kind !== 'Deployment' && kind !== 'StatefulSet') return undefined
  const wanted = Number(at(spec, 'replicas') ?? 1)
  return wanted > 0 ? Number(at(status, 'readyReplicas') ?? 0) >= wanted : undefined
}

/** Verdict, headline, lists and exit code say one and the same. */
function judgeVerdict({ ended: { code } }: Evidence, told: Proof): Fault[] {
  const { verdict, headline, objects, volumes, missing, notRestored } = told
  const is = (outcome: Told['outcome']) => objects.filter((one) => one.outcome === outcome)
  const lacking = [
    ...is('missing').map((one) => `${one.resource} ${one.id}`),
    ...volumes.flatMap((one) => (one.missing ? [`volume of claim ${one.claim}`] : [])),
  ]
  const left = is('not restored')
  const wanted =
    verdict === 'NOT PROVEN'
      ? verdict
      : left.length === 0
        ? 'PROVEN'
        : `PROVEN, ${left.length} object${left.length === 1 ? '' : 's'} not restored`
  const wrong = [
    ...(verdict === 'PROVEN' ? [...lacking, ...missing].map((one) => `PROVEN, and missing is ${one}`) : []),
    ...(verdict === 'NOT PROVEN' && missing.length === 0
      ? ['NOT PROVEN, and nothing is said to be missing']
      : []),
    ...lacking
      .filter((one) => !missing.some((line) => line.includes(one)))
      .map((one) => `missing does not list ${one}`),
    ...(headline === wanted ? [] : [`the headline is “${headline}”, not “${wanted}”`]),
    ...left
      .filter((one) => !notRestored.some((line) => names(line, one)))
      .map((one) => `notRestored does not list ${one.resource} ${one.id}`),
    ...((code === 0) === (verdict === 'PROVEN') ? [] : [`${verdict}, and it ended with ${code}`]),
  ]
  return wrong.map((says) => ({ what: 'verdict', about: 'proof', says }))
}
