import type { BackedObject } from '../objects.ts'
import type { LiveObject } from './live.ts'
import type { ObjectProof } from './outcome.ts'

type Verdict = Pick<ObjectProof, 'outcome' | 'why'>

const notOpened = 'it was opened in the earlier cluster, and is not in this one'

/** Whether this is the reason of a SealedSecret that its controller may yet open. */
export const mayYetBeOpened = (why: string) => why.startsWith(notOpened)

/**
 * What became of a SealedSecret, where that depends on its Secret; undefined where it is judged as any other object.
 * @param secret where there is a Secret of its name
 */
export function sealedOutcome(
  one: BackedObject,
  live: LiveObject | undefined,
  secret: { inBackup: boolean; inCluster: boolean },
): Verdict | undefined {
  if (one.opened && live && !secret.inCluster)
    return { outcome: 'missing', why: `${notOpened}: there is no Secret ${one.id}` }
  if (one.opened === false && !secret.inBackup && !secret.inCluster)
    return {
      outcome: 'not restored',
      why: 'no key opened it in the earlier cluster, and a Secret that it may have made before is in no backup',
    }
  return undefined
}

/**
 * What became of a Secret that a SealedSecret makes.
 * @param sealed its SealedSecret in the backup and in the cluster
 */
export function unsealedOutcome(
  one: BackedObject,
  live: LiveObject | undefined,
  sealed: { inBackup: BackedObject | undefined; inCluster: LiveObject | undefined },
): Verdict {
  if (live?.digest === one.digest)
    return live.owners.length > 0
      ? { outcome: 'made anew', why: 'opened from its SealedSecret' }
      : { outcome: 'back' }
  const { inBackup, inCluster } = sealed
  if (live && inBackup && inCluster && inCluster.digest !== inBackup.digest)
    return { outcome: 'from Git', why: 'its SealedSecret has another content there' }
  return {
    outcome: 'missing',
    why: live ? 'its content is not the backup’s' : 'its SealedSecret was not opened',
  }
}
