import { z } from 'zod'
import { again, veleroHint } from '../../base/hint.ts'
import { Problem } from '../../base/problem.ts'
import { tell } from '../../base/story.ts'
import { waitFor } from '../../base/wait.ts'
import { type Kube, velero } from '../../clients/tools.ts'
import { hasRoot } from '../../kubernetes/applications.ts'
import { kubectlRepeated } from '../../kubernetes/repeated.ts'
import type { Course } from '../../machines/first/restoration.ts'
import { createOnce, look, state } from '../proof/look.ts'
import { filesAtOnce, restorable } from '../take/selection.ts'
import { type BackedVolume, type VolumeProof, volumesBack } from './volumes.ts'

const over = /^(Completed|PartiallyFailed|Failed|FailedValidation)$/

/** How often a restore that failed is begun anew in one run. */
const retries = 2

/** The name of a server's nth restore: the same in every run, so that one that was killed is found again. */
export const restoreName = (server: string, n: number) => `restore-${server}${n === 1 ? '' : `-${n}`}`

/** The names of all restores onto a server so far. */
const restoreNames = (server: string, count: number) =>
  Array.from({ length: count }, (_, index) => restoreName(server, index + 1))

/** The volumes of a backup as they are now, whichever restore onto the server brought them. */
export const volumesNow = async (
  kube: Kube,
  { server }: Pick<Course, 'server'>,
  backed: readonly BackedVolume[],
): Promise<VolumeProof[]> =>
  volumesBack(kube, restoreNames(server, await attemptsSoFar(kube, server)), backed)

/**
 * Brings a backup's objects and volumes back. One that is under way is waited for; one that failed, because Velero was
 * restarted or a volume did not come, leaves claims that the next would skip: they are removed first.
 * @param backed the volumes that the backup says it holds
 * @returns the volumes as they came back, each with its bytes
 * @throws Problem naming every volume that did not come back after the third attempt of this run
 */
export async function bringBack(
  kube: Kube,
  { backup, server, finished, backed }: Course & { backed: readonly BackedVolume[] },
): Promise<VolumeProof[]> {
  let n = await attemptsSoFar(kube, server)
  if (finished) return volumesNow(kube, { server }, backed)
  // Apps write to these volumes by now: nothing is brought back over them, and nothing removed.
  if (await hasRoot(kube)) return bringGone(kube, { backup, server, n }, backed)
  for (let left = retries; ; left--, n++) {
    const name = restoreName(server, n)
    const started = performance.now()
    const isNew = !(await look(kube, 'restores.velero.io', name, state))
    if (isNew)
      await createOnce(
        kube,
        'restores',
        name,
        () => velero(kube)`restore create ${name} --from-backup ${backup} ${restorable}`,
      )
    const { status } = await ended(kube, name)
    const phase = status?.phase ?? ''
    const volumes = await settled(kube, restoreNames(server, n), backed)
    const missing = volumes.filter((one) => one.missing)
    if (phase !== 'Failed' && phase !== 'FailedValidation' && missing.length === 0) {
      tell('+', `restore ${name}`, phase, (performance.now() - started) / 1000)
      return volumes
    }
    const why = [
      ...(status?.validationErrors ?? []),
      ...(status?.failureReason ? [status.failureReason] : []),
      ...missing.map((one) => `volume of claim ${one.claim}: ${one.missing}`),
    ]
    if (left === 0 || (isNew && phase === 'FailedValidation'))
      throw new Problem(`restore ${name} ended ${phase}: ${why.join('\n    ')}`, {
        cure: `See more with: ${veleroHint(kube.file)`restore logs ${name}`}. No app was started. When it is fixed, run ${again()}; or choose another backup.`,
      })
    tell('!', `restore ${name}`, `${phase}: ${why.join('; ')}; it is tried again`)
    await removeLeftovers(kube, name)
  }
}

/** The number of the newest restore of a server; 1 when there is none. */
async function attemptsSoFar(kube: Kube, server: string): Promise<number> {
  for (let n = 1; ; n++)
    if (!(await look(kube, 'restores.velero.io', restoreName(server, n + 1), state))) return n
}

/** Waits until a restore is over, telling how far its volumes are. @throws Problem after six hours */
async function ended(kube: Kube, name: string): Promise<z.infer<typeof state>> {
  return waitFor({ until: `restore ${name} is over`, every: 5, within: 6 * 3600 }, async (note) => {
    const found = await look(kube, 'restores.velero.io', name, state)
    note(found?.status?.phase ?? 'not started yet')
    return found && over.test(found.status?.phase ?? '') ? found : undefined
  })
}

/**
 * Brings back the claims that are gone, and nothing else: an earlier run got no further, or somebody deleted them since.
 * A claim that is there stays as it is.
 */
async function bringGone(
  kube: Kube,
  { backup, server, n }: { backup: string; server: string; n: number },
  backed: readonly BackedVolume[],
): Promise<VolumeProof[]> {
  const now = await volumesBack(kube, restoreNames(server, n), backed)
  const gone = now.filter((one) => one.absent)
  if (gone.length === 0) return now
  const namespaces = [...new Set(gone.map((one) => one.claim.split('/')[0] ?? ''))]
  const name = restoreName(server, n + 1)
  const started = performance.now()
  await createOnce(
    kube,
    'restores',
    name,
    () =>
      velero(
        kube,
      )`restore create ${name} --from-backup ${backup} --include-namespaces ${namespaces.join(',')} --include-resources persistentvolumeclaims,persistentvolumes --include-cluster-resources=true ${filesAtOnce}`,
  )
  const { status } = await ended(kube, name)
  tell('+', `restore ${name}`, `${status?.phase}, claims only`, (performance.now() - started) / 1000)
  return settled(kube, restoreNames(server, n + 1), backed)
}

/** The volumes once none of their claims is waiting for its volume any more; as they are after ten minutes. */
async function settled(
  kube: Kube,
  names: readonly string[],
  backed: readonly BackedVolume[],
): Promise<VolumeProof[]> {
  const started = performance.now()
  return waitFor({ until: 'the claims are bound', every: 5, within: 660 }, async () => {
    const volumes = await volumesBack(kube, names, backed)
    const isLate = performance.now() - started > 600_000
    return isLate || !volumes.some((one) => one.pending) ? volumes : undefined
  })
}

const claims = z.object({
  items: z.array(z.object({ metadata: z.object({ name: z.string(), namespace: z.string() }) })),
})

/**
 * Removes what a failed restore left: its data downloads and the claims that it made, which hold nothing or half. What
 * else it brought back is whole and stays. A volume that is not deleted with its claim stays at DigitalOcean.
 */
async function removeLeftovers(kube: Kube, name: string): Promise<void> {
  const label = `velero.io/restore-name=${name}`
  const left = async () =>
    (await kubectlRepeated(kube)`get persistentvolumeclaims -A -l ${label} -o json`).json(claims).items
  await kubectlRepeated(kube)`delete datadownloads.velero.io -n velero -l ${label} --wait=false`
  for (const { metadata } of await left()) {
    await kubectlRepeated(
      kube,
    )`delete persistentvolumeclaim ${metadata.name} -n ${metadata.namespace} --ignore-not-found --wait=false`
    tell('-', `claim ${metadata.namespace}/${metadata.name}`, `left by ${name}`)
  }
  await waitFor({ until: `the claims that ${name} left are gone`, every: 3, within: 300 }, async (note) => {
    const still = (await left()).map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)
    note(still.join(', '))
    return still.length === 0 ? true : undefined
  })
}
