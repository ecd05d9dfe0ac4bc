import { z } from 'zod'
import { fateOf } from '../base/alive.ts'
import { isDryRun } from '../base/dry-run.ts'
import { again } from '../base/hint.ts'
import { isShortLived, names } from '../base/names.ts'
import { Problem } from '../base/problem.ts'
import { Secret } from '../base/secret.ts'
import { backoff } from '../base/wait.ts'
import type { SpacesKey } from '../clients/digitalocean-types.ts'
import type { StoreKey } from '../clients/s3.ts'
import { doctl, doctlUnlocked, ToolFailure } from '../clients/tools.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { isOurs } from '../cluster/ours.ts'
import { resources } from '../cluster/resources.ts'

/** A Spaces key of ours with the secret that is shown once. */
export interface SpacesKeyPair extends StoreKey {
  name: string
}

/** What a key is removed by. */
export type OwnKey = Pick<SpacesKey, 'name' | 'access_key'>

const minted = z.array(z.object({ access_key: z.string(), secret_key: z.string() })).min(1)

/**
 * Mints a Spaces key. Its secret is shown once: when the answer was lost, the key is looked for, removed and minted again.
 * @param grants in doctl's notation, such as `bucket=b;permission=readwrite`
 */
export async function mintKey(
  cluster: Cluster,
  name: string,
  grants: readonly string[],
): Promise<SpacesKeyPair> {
  const words = grants.flatMap((grant) => ['--grants', grant])
  if (isDryRun() && !isShortLived(name)) {
    await doctl`spaces keys create ${name} ${words}`
    return { name, accessKey: '<new key>', secretKey: new Secret('') }
  }
  for (let attempt = 1; ; attempt++) {
    try {
      const output = await doctlFor(name)`spaces keys create ${name} ${words}`
      const [key] = output.json(minted)
      if (!key) throw new Problem(`key ${name} was made without a secret`)
      own.add(key.access_key)
      return { name, accessKey: key.access_key, secretKey: new Secret(key.secret_key) }
    } catch (error) {
      if (!(error instanceof ToolFailure)) throw error
      await removeKeysNamed(cluster, name)
      if (attempt === 4)
        throw new Problem(`key ${name} could not be made: ${error.message}`, {
          cure: `Fix what it says and run ${again()}.`,
          cause: error,
        })
      await backoff(attempt)
    }
  }
}

/** Removes every key of ours with this name; that none is there is fine. */
async function removeKeysNamed(cluster: Cluster, name: string): Promise<void> {
  for (const key of await cluster.cloud.spacesKeys())
    if (key.name === name && isOurs('spacesKeys', key, cluster.name)) await removeKey(cluster, key)
}

/** The run's own keys are nobody else's matter; keys of the cluster are made and removed under its lock. */
const doctlFor = (name: string) =>
  isShortLived(name) || (isSetupKey(name) && !isDryRun()) ? doctlUnlocked : doctl

/** Whether a key is one with full access, which only making and deleting buckets needs. */
export const isSetupKey = (name: string) => /-setup-[0-9tz]+$/.test(name)

const day = 24 * 3600_000

/**
 * Whether a run's own key belongs to no run any more, so that it may be removed. A process of this computer is looked
 * for. Of another computer's run nothing can be seen: its reader's key is taken for left after a day, which is longer
 * than a run that reads takes; its operator's key as soon as the lock is ours, because such a run works under the lock.
 * @param now milliseconds since 1970, by DigitalOcean's clock
 */
export function isAbandoned(
  key: Pick<SpacesKey, 'name' | 'created_at'>,
  now: number,
  locked: boolean,
): boolean {
  const [, kind, maker = ''] = key.name.match(/-(operator|reader)-[0-9tz]+-?([0-9a-f-]*)$/) ?? []
  const fate = fateOf(maker)
  if (!kind || fate === 'alive') return false
  if (fate === 'dead') return true
  return kind === 'operator' ? locked : now - Date.parse(key.created_at) > day
}

/** Access keys that this run minted: nobody else's, whatever they are called by now. */
const own = new Set<string>()

/** Whether this run minted a key: it may not be listed yet. */
export const isMintedHere = (accessKey: string): boolean => own.has(accessKey)

/**
 * Removes one key of ours; done when it is not there any more. One that this run did not mint is looked at once more right
 * before.
 * @throws Problem where it is not the cluster's any more
 */
export async function removeKey(cluster: Cluster, { name, access_key: accessKey }: OwnKey): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      if (!own.has(accessKey) && !isDryRun()) {
        const now = (await cluster.cloud.spacesKeys()).find((key) => key.access_key === accessKey)
        if (!now) return
        if (!isOurs('spacesKeys', now, cluster.name))
          throw new Problem(
            `Spaces key ${now.name} (${accessKey}), which was ${name}, is not of cluster ${cluster.name} any more: it was left as it is`,
            { cure: `Run ${again()}: it shows what there is to do now.` },
          )
      }
      await resources.spacesKeys.remove(accessKey, doctlFor(name))
      return
    } catch (error) {
      if (!(error instanceof ToolFailure)) throw error
      const left = (await cluster.cloud.spacesKeys()).some((key) => key.access_key === accessKey)
      if (!left) return
      if (attempt === 4) throw error
      await backoff(attempt)
    }
  }
}

/** Whether a key is one that lives in the cluster. */
export const isClusterKey = (key: SpacesKey, cluster: string) =>
  isOurs('spacesKeys', key, cluster) && /-velero-\d+$/.test(key.name)

/** The name of the next in-cluster key: its number is one above the highest among `keys`. */
export function nextVeleroKey(cluster: string, keys: readonly SpacesKey[]): string {
  const prefix = names.veleroKey(cluster, 0).slice(0, -1)
  const numbers = keys
    .filter((key) => isClusterKey(key, cluster))
    .map((key) => Number(key.name.slice(prefix.length)))
  return names.veleroKey(cluster, Math.max(0, ...numbers) + 1)
}
