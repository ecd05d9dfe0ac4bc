import { z } from 'zod'
import type { World } from '../world.ts'

const ms = z.number().min(0).default(0)

const behaviour = z.strictObject({
  /** For so long a new thing answers 404 when asked for by its id (ms). */
  hiddenMs: ms,
  /** For so long lists lack what is new and still have what is gone (ms). */
  listLagMs: ms,
  /** For so long after its end an action still says in-progress, though its effect is there (ms). */
  actionLagMs: ms,
  /** How many of the next actions of a type end as errored, without an effect: `{ "resize": 1 }`. Counted down here. */
  errored: z.record(z.string(), z.number()).default({}),
  /** Dollars a month by size, in place of the usual ones. */
  prices: z.record(z.string(), z.number()).default({}),
  /** The account's limits. */
  limits: z
    .strictObject({
      droplets: z.number().default(25),
      volumes: z.number().default(100),
      reservedIps: z.number().default(3),
    })
    .prefault({}),
  /** DigitalOcean takes one snapshot of a volume in ten minutes; the box does not make anybody wait unless told (ms). */
  snapshotPauseMs: ms,
  /** Sizes that no region has room for just now. */
  soldOut: z.array(z.string()).default([]),
  /** Regular expressions on `METHOD /v2/path`: what the token may not do (403). */
  forbidden: z.array(z.string()).default([]),
  /**
   * More tokens of the account, each with scopes (`droplet:read`) or with regular expressions on `METHOD /v2/path` of what
   * it may do.
   */
  tokens: z.record(z.string(), z.array(z.string())).default({}),
  /** Tokens that were deleted; Spaces keys that were made with one stay. */
  revoked: z.array(z.string()).default([]),
  /** One of these tokens that is of another team. */
  otherTeam: z.string().default(''),
  /** Requests a minute before 429 with `retry-after`; DigitalOcean's 250 fit its own pace, 0 is without limit. */
  requestsPerMinute: z.number().default(0),
})

/** How the simulated DigitalOcean behaves beyond the plain case: `digitalocean` in the world's `behaviour.json`. */
export type Behaviour = z.infer<typeof behaviour>

const file = z.object({ digitalocean: z.unknown().optional() }).loose()

/** Reads `behaviour.json` anew, so that a person or a test can change it between two requests. */
export function behaviourOf(world: World): Behaviour {
  return behaviour.parse(file.parse(world.load('behaviour') ?? {}).digitalocean ?? {})
}

/** Whether this action is one that shall fail; counts it down in the file. */
export function takeError(world: World, type: string): boolean {
  const all = file.parse(world.load('behaviour') ?? {})
  const own = behaviourOf(world)
  const left = own.errored[type] ?? 0
  if (left < 1) return false
  world.save('behaviour', { ...all, digitalocean: { ...own, errored: { ...own.errored, [type]: left - 1 } } })
  return true
}
