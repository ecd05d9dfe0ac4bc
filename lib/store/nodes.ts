import { z } from 'zod'
import { installSteps, type Report, reportSchema, type Step, steps } from '#cloud-init/index.ts'
import { parseJson } from '../base/json.ts'
import { Problem } from '../base/problem.ts'
import { tell } from '../base/story.ts'
import { noneTooLarge } from '../clients/object-sizes.ts'
import { type Bucket, StoreRefusal } from '../clients/s3.ts'
import { readRecord, recordText } from './records.ts'

/** What is noted when a bundle is made: which key signed its URLs, until when, and which step is the droplet's last. */
const note = z.object({
  name: z.string(),
  accessKey: z.string(),
  /** The access key that went into the cluster with this bundle. */
  veleroKey: z.string().optional(),
  /** The cluster's address then: what names lead to, even after it is lost. */
  address: z.string().optional(),
  sha256: z.string(),
  at: z.string(),
  /** The step after which the droplet needs no signed URL any more. */
  lastStep: z.enum(steps),
})
type Note = z.infer<typeof note>

/** A droplet's note, and whether it reported its last step. */
interface NodeRecord extends Note {
  finished: boolean
}

const folder = (name: string) => `nodes/${name}`

/** The key a step's report is written to. */
export const reportKey = (name: string, step: Step) => `${folder(name)}/${step}.json`

/** Notes which key signed a droplet's URLs. */
export async function writeNote(
  kit: Bucket,
  one: Omit<Note, 'lastStep'> & { role: 'first-server' | 'server' | 'agent' },
): Promise<void> {
  const { role, ...rest } = one
  await kit.put(noteKeyOf(one.name), recordText({ ...rest, lastStep: installSteps(role).at(-1) }), {
    type: 'application/json',
  })
}

/** Notes that a cluster uses another key of its own than the one that came with the bundle. */
export async function noteKey(kit: Bucket, name: string, veleroKey: string): Promise<void> {
  const read = await readNote(kit, name)
  if (read) await kit.put(noteKeyOf(name), recordText({ ...read, veleroKey }), { type: 'application/json' })
}

const noteKeyOf = (name: string) => `${folder(name)}/bundle.json`

/** What was noted of a droplet's bundle, if one was ever made. @throws Problem when the note cannot be read */
export async function readNote(kit: Bucket, name: string): Promise<Note | undefined> {
  return readRecord(kit, noteKeyOf(name), note)
}

/** All droplets for which a bundle was ever made; one whose note cannot be read is told and passed over. */
export async function nodeRecords(kit: Bucket): Promise<NodeRecord[]> {
  const keys = (await kit.list('nodes/')).map((one) => one.key)
  const notes = keys.filter((key) => key.endsWith('/bundle.json'))
  const found = await Promise.all(
    notes.map(async (key): Promise<NodeRecord[]> => {
      const read = await readRecord(kit, key, note).catch((error: unknown) => {
        if (!(error instanceof Problem) || error instanceof StoreRefusal) throw error
        tell('!', 'note', error.message)
      })
      if (!read) return []
      const last = await readReport(kit, read.name, read.lastStep)
      return [{ ...read, finished: last?.state === 'done' }]
    }),
  )
  return found.flat()
}

/** Names of all droplets for which a bundle was ever made. */
export async function notedNames(kit: Bucket): Promise<Set<string>> {
  const keys = (await kit.list('nodes/')).map((one) => one.key)
  return new Set(keys.flatMap((key) => /^nodes\/([^/]+)\/bundle\.json$/.exec(key)?.[1] ?? []))
}

/** A step's report, if it was written, can be read, and is about this step: a node's word counts nowhere else. */
export async function readReport(kit: Bucket, name: string, step: Step): Promise<Report | undefined> {
  const bytes = await kit.get(reportKey(name, step)).catch(noneTooLarge)
  if (!bytes) return undefined
  const read = reportSchema.safeParse(parseJson(Buffer.from(bytes).toString()))
  if (!read.success || read.data.step !== step) return undefined
  const { message, log } = read.data
  return {
    ...read.data,
    message: message.slice(0, mostMessage),
    ...(log === undefined ? {} : { log: log.slice(-mostLog) }),
  }
}

/** Characters of a report that are told: a node writes one sentence, and the last 16 KiB of its log. */
const [mostMessage, mostLog] = [1000, 16 * 1024]
