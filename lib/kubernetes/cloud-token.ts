import { z } from 'zod'
import { change } from '../base/change.ts'
import { endpoints } from '../base/environment.ts'
import { again } from '../base/hint.ts'
import { Problem } from '../base/problem.ts'
import { Secret } from '../base/secret.ts'
import { tell } from '../base/story.ts'
import { connectDigitalOcean, DigitalOceanRefusal } from '../clients/digitalocean.ts'
import type { Bucket } from '../clients/s3.ts'
import type { Kube } from '../clients/tools.ts'
import { accountOf, type Cluster } from '../cluster/cluster.ts'
import { cloudToken, narrower } from '../gitops/bootstrap-secrets.ts'
import { readRecord, recordText } from '../store/records.ts'
import { applyForArgoCd, kubectlRepeated } from './repeated.ts'

const secret = z.object({
  metadata: z.object({ labels: z.record(z.string(), z.string()).default({}) }),
  data: z.object({ 'access-token': z.string() }).partial().default({}),
})

/** The DigitalOcean token in a cluster. */
interface Found {
  token: Secret
  isNarrower: boolean
}

/** Where the kit's bucket notes that a cluster was given a token of its own. */
const noteKey = 'cloud-token.json'
const note = z.object({ narrower: z.boolean() })

/**
 * Brings the DigitalOcean token in the cluster up to date: after a rotation neither volumes nor their backups would
 * work. A narrower one stays while it opens the account and this run was given none. The CSI controller reads the token
 * only when it starts, so it is started anew.
 * @param kit notes that a narrower one was given: who runs the cluster, and cannot write there, gets no wider one by
 * breaking it
 * @throws Problem where a narrower one was given, does not work any more, and this run was given none
 */
export async function ensureCloudToken(kube: Kube, cluster: Cluster, kit: Bucket): Promise<void> {
  const found = await tokenIn(kube)
  const { csi, csiIsMain, digitalocean } = cluster.tokens
  const isNarrower = csi.reveal() !== digitalocean.reveal()
  const noted = (await readRecord(kit, noteKey, note))?.narrower
  const wasNarrower = noted ?? found?.isNarrower ?? false
  const narrower = csiIsMain ? wasNarrower : isNarrower
  if (narrower !== (noted ?? false))
    await change(`aws s3 cp - s3://${kit.name}/${noteKey}`, () =>
      kit.put(noteKey, recordText({ narrower }), { type: 'application/json' }),
    )
  // Absent before the node's last step; the node brings it.
  if (!found || found.token.reveal() === csi.reveal()) return
  if (csiIsMain && wasNarrower) {
    if (await opens(cluster, found.token))
      return tell('=', 'DigitalOcean token in the cluster', 'a narrower one than yours')
    throw new Problem('the DigitalOcean token in the cluster does not open your account any more', {
      cure: `You gave it a narrower one than yours. Run ${again()} with REGROW_CSI_TOKEN=…, a new one; or with REGROW_CSI_TOKEN=$DIGITALOCEAN_TOKEN, to let whoever takes the cluster over use yours.`,
    })
  }
  const manifest = cloudToken({ token: csi.reveal(), isNarrower })
  await applyForArgoCd(kube, JSON.stringify(manifest))
  await kubectlRepeated(kube)`delete pods -n kube-system -l app=csi-do-controller --wait=false`
  tell('~', 'DigitalOcean token in the cluster', 'was another one: replaced')
}

/** Whose token lives in the cluster, in words; undefined where none does. @throws ToolFailure */
export async function whoseToken(kube: Kube, { tokens }: Cluster): Promise<string | undefined> {
  const found = await tokenIn(kube)
  if (!found) return undefined
  if (found.isNarrower) return 'a narrower one (REGROW_CSI_TOKEN)'
  return found.token.reveal() === tokens.digitalocean.reveal()
    ? 'your DigitalOcean token (narrower: REGROW_CSI_TOKEN)'
    : 'another one than yours: the next bootstrap replaces it'
}

async function tokenIn(kube: Kube): Promise<Found | undefined> {
  const answer = await kubectlRepeated(
    kube,
  )`get secret digitalocean -n kube-system --ignore-not-found -o json`
  if (answer.text.trim() === '') return undefined
  const { metadata, data } = answer.json(secret)
  const token = Buffer.from(data['access-token'] ?? '', 'base64').toString()
  return { token: new Secret(token), isNarrower: metadata.labels[narrower] === 'true' }
}

/** Whether a token opens the account of the cluster; one that may not read the account opens some. */
async function opens(cluster: Cluster, token: Secret): Promise<boolean> {
  const account = accountOf(cluster)
  const client = await connectDigitalOcean(endpoints().digitalocean, token, 'the cluster')
  try {
    const other = await client.account()
    return (other.team?.uuid ?? other.uuid) === (account.team?.uuid ?? account.uuid)
  } catch (error) {
    if (error instanceof DigitalOceanRefusal && error.status === 401) return false
    if (error instanceof DigitalOceanRefusal && error.status === 403) return true
    throw error
  }
}
