import { z } from 'zod'
import type { Listed } from './things.ts'

/** What is billed at DigitalOcean and can hold data. */
export interface Cloud {
  droplets: { id: string; name: string; tags: string[] }[]
  volumes: { id: string; name: string; tags: string[] }[]
  snapshots: { id: string; name: string }[]
}

/** By claim (`namespace/name`) and file: a digest of its bytes. */
export type Bytes = Record<string, Record<string, string>>

/** Everything that the judge may look at: the world before and after, and what was said. */
export interface Evidence {
  /** Every object when the backup began. */
  before: readonly Listed[]
  /** Every object once all is over; undefined where no cluster answers. */
  after: readonly Listed[] | undefined
  bytes: { before: Bytes; after: Bytes }
  /** Before the restore began (after the disaster), and once all is over. */
  cloud: { before: Cloud; after: Cloud }
  /** How the restore ended: its exit code, its JSON, its story (the plan is in it). */
  ended: { code: number | null; out: string; err: string }
  /** What a person let go by an explicit word: `persistentvolumeclaims shop/ledger`. */
  dropped?: readonly string[]
  /** What Git holds once all is over: `resource namespace/name`. */
  git?: readonly string[]
}

const outcomes = ['back', 'made anew', 'from Git', 'not restored', 'missing'] as const

/** What `restore --json` prints, as far as the judge holds it against the world. */
export const proof = z.looseObject({
  verdict: z.enum(['PROVEN', 'NOT PROVEN']),
  headline: z.string(),
  server: z.string(),
  volumes: z.array(
    z.looseObject({
      claim: z.string(),
      bytes: z.number().optional(),
      moved: z.number().optional(),
      missing: z.string().optional(),
    }),
  ),
  objects: z.array(
    z.looseObject({
      resource: z.string(),
      id: z.string(),
      outcome: z.enum(outcomes),
      why: z.string().optional(),
    }),
  ),
  notRestored: z.array(z.string()),
  missing: z.array(z.string()),
  changed: z.array(z.string()),
  notReady: z.array(z.string()),
  stays: z.array(z.string()),
})
export type Proof = z.infer<typeof proof>
export type Told = Proof['objects'][number]

/** What is wrong with a proof, or with what was done on its word. */
export interface Fault {
  what: (typeof faults)[number]
  /** The object, claim, droplet or volume. */
  about: string
  says: string
}

/** Worst first. */
export const faults = [
  // An old droplet or volume is gone that may have been the only copy.
  'only copy destroyed',
  'bytes differ',
  // The proof says that it is there, and it is not.
  'not there',
  // It is gone, and the proof does not know it.
  'lost without a word',
  'data not restored',
  'changed without a word',
  'not ready without a word',
  'verdict',
  'reason not true',
  // The proof says that it is gone, and it is there.
  'there after all',
  'not mentioned',
  'mentioned twice',
  'costs without a word',
  'no proof',
] as const
