import { z } from 'zod'
import { again } from '../../base/hint.ts'
import { Problem } from '../../base/problem.ts'
import { tell } from '../../base/story.ts'
import { backoff, waitFor } from '../../base/wait.ts'
import { type Kube, kubectl, ToolFailure } from '../../clients/tools.ts'

/** A storage location: whether Velero reaches the bucket, and why not. */
const location = z.object({
  status: z.object({ phase: z.string().optional(), message: z.string().optional() }).optional(),
})

/** How a Backup or a Restore stands, in Velero's words. */
export const state = z.object({
  status: z
    .object({
      phase: z.string().optional(),
      errors: z.number().optional(),
      failureReason: z.string().optional(),
      validationErrors: z.array(z.string()).optional(),
    })
    .optional(),
})

/** Waits until Velero can use the bucket. @throws Problem with Velero's own word after five minutes */
export async function locationAvailable(kube: Kube): Promise<void> {
  const started = performance.now()
  await waitFor({ until: 'backup storage is available', every: 3, within: 300 }, async (note) => {
    const found = await look(kube, 'backupstoragelocations.velero.io', 'default', location)
    note(found?.status?.message ?? found?.status?.phase ?? 'not there yet')
    return found?.status?.phase === 'Available' ? true : undefined
  })
  tell('+', 'backup storage', 'Available', (performance.now() - started) / 1000)
}

/** One object of Velero's, or undefined while it is not there or the API does not answer. */
export async function look<T>(
  kube: Kube,
  kind: string,
  name: string,
  schema: z.ZodType<T>,
): Promise<T | undefined> {
  try {
    const answer = await kubectl(kube)`get ${kind} ${name} -n velero --ignore-not-found -o json`
    return answer.text.trim() === '' ? undefined : answer.json(schema)
  } catch (error) {
    // The API may be away for a moment; whoever waits looks again.
    if (error instanceof ToolFailure) return undefined
    throw error
  }
}

/**
 * Makes one object of Velero's, once: after a failure it is looked at, because the answer may have been lost.
 * @throws Problem with what the tool said, after the third attempt without effect
 */
export async function createOnce(
  kube: Kube,
  kind: 'backups' | 'restores',
  name: string,
  act: () => Promise<unknown>,
): Promise<void> {
  for (let attempt = 1; ; attempt++)
    try {
      await act()
      return
    } catch (error) {
      if (!(error instanceof ToolFailure)) throw error
      if (await look(kube, `${kind}.velero.io`, name, z.object({}))) return
      if (attempt === 3)
        throw new Problem(`${kind.slice(0, -1)} ${name} could not be started: ${error.message}`, {
          cure: `Fix what it says and run ${again()}: it goes on from here.`,
          cause: error,
        })
      await backoff(attempt)
    }
}
