import { z } from 'zod'

/** The steps that a node takes, in order; `started` is said before the first, `convert` is asked for later. */
export const steps = ['started', 'fetch', 'host', 'k3s', 'argocd', 'convert'] as const

/** One step of a node. */
export type Step = (typeof steps)[number]

/** Seconds after which a step that did not end is reported as failed. */
export const stepDeadlines: Readonly<Record<Exclude<Step, 'started'>, number>> = {
  fetch: 600,
  host: 120,
  k3s: 300,
  argocd: 600,
  convert: 600,
}

/** The steps that install a node of this role, in order. */
export function installSteps(
  role: 'first-server' | 'server' | 'agent',
): Exclude<Step, 'started' | 'convert'>[] {
  return role === 'first-server' ? ['fetch', 'host', 'k3s', 'argocd'] : ['fetch', 'host', 'k3s']
}

/** What a node reports about one step. Unknown fields are let through: a newer node may say more. */
export const reportSchema = z.object({
  step: z.enum(steps),
  state: z.enum(['done', 'failed']),
  at: z.iso.datetime(),
  /** How long the step took. */
  seconds: z.number().min(0),
  /** Changes with each boot of the machine. */
  bootId: z.string(),
  /** In plain words; what went wrong when it failed. */
  message: z.string(),
  /** The end of the step's log, at most 16 KiB, secrets taken out. */
  log: z.string().optional(),
  /** Present when no real machine wrote it. */
  simulated: z.boolean().optional(),
})

/** A node's report about one step. */
export type Report = z.infer<typeof reportSchema>
