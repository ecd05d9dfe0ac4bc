import type { Kube } from '../../clients/tools.ts'
import { removeEarlier } from '../../machines/first/earlier.ts'
import { finishRestoration, noteUnproven } from '../../machines/first/restoration.ts'
import type { Buckets } from '../../store/buckets.ts'
import type { Proof } from '../proof/proof.ts'
import { accessKept, leaveOriginal } from './beside.ts'
import { keepProof } from './compared.ts'
import type { Rest } from './rest.ts'
import type { Restoring } from './restoring.ts'
import { isAccepted } from './terms.ts'
import { provenIds } from './volumes.ts'

/**
 * Ends a restore by its proof. Only where it is PROVEN, and somebody vouches for the backup, the earlier machines go, and
 * those volumes whose content is proven on another. A copy then lets go of the original's backups.
 * @returns what stays, one line each
 */
export async function concludeRestore(
  kube: Kube,
  restoring: Restoring,
  buckets: Buckets,
  { proof, rest }: { proof: Proof; rest: Rest },
): Promise<string[]> {
  const { cluster, source, isCopy, backup, backed, course, held, terms } = restoring
  await keepProof(cluster, buckets.kit, course.server, proof)
  const proven = proof.verdict === 'PROVEN'
  // One that nobody vouches for proves nothing about what was there before: all of that stays.
  const isVouched = backup.vouching.state === 'vouched for'
  const provenVolumes = provenIds(rest.volumes, isVouched ? held : [])
  if (proven && isCopy) await leaveOriginal(kube, cluster, source, buckets)
  if (proven) await finishRestoration(cluster, buckets, course, provenVolumes)
  else await noteUnproven(cluster, buckets, course)
  const stays = await removeEarlier(cluster, course, {
    provenVolumes,
    proven,
    // Nothing that may be an only copy goes.
    mayRemove: proven && isVouched && isAccepted(rest.objects, terms),
    of: { completed: backup.status?.completionTimestamp, volumes: backed.length },
  })
  return [...stays, ...(!proven && isCopy ? [accessKept(cluster, source)] : [])]
}
