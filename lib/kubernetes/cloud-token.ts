import { z } from 'zod'
import type { Cluster } from '../cluster/cluster.ts'
import { tell } from '../story.ts'
import type { Kube } from '../tools.ts'
import { applyForArgoCd, kubectlRepeated } from './repeated.ts'

const secret = z.object({ data: z.object({ 'access-token': z.string() }).partial().default({}) })

/**
 * Brings the DigitalOcean token in the cluster up to date: after a rotation neither volumes nor their backups would
 * work. The CSI controller reads it only when it starts, so it is started anew.
 */
export async function ensureCloudToken(kube: Kube, cluster: Cluster): Promise<void> {
  const answer = await kubectlRepeated(
    kube,
  )`get secret digitalocean -n kube-system --ignore-not-found -o json`
  const wanted = Buffer.from(cluster.tokens.csi.reveal()).toString('base64')
  // Absent before the node's last step; the node brings it.
  if (answer.text.trim() === '' || answer.json(secret).data['access-token'] === wanted) return
  const manifest = JSON.stringify({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: 'digitalocean',
      namespace: 'kube-system',
      labels: { 'velero.io/exclude-from-backup': 'true' },
    },
    data: { 'access-token': wanted },
  })
  await applyForArgoCd(kube, manifest)
  await kubectlRepeated(kube)`delete pods -n kube-system -l app=csi-do-controller --wait=false`
  tell('~', 'DigitalOcean token in the cluster', 'was another one: replaced')
}
