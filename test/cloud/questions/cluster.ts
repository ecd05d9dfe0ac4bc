import { z } from 'zod'
import { steadyFetch } from '../../../lib/clients/steady-fetch.ts'
import { parts } from '../../../lib/cluster/versions.ts'
import { seesClient } from '../client-address.ts'
import type { Asked, Unasked } from '../question.ts'
import { applied, kubectl, listed, type Sight, until } from '../sight.ts'

const named = z.object({ metadata: z.object({ name: z.string() }) })
const application = named.extend({
  status: z
    .object({
      sync: z.object({ status: z.string() }).optional(),
      health: z.object({ status: z.string() }).optional(),
    })
    .optional(),
})
const node = named.extend({ status: z.object({ nodeInfo: z.object({ kubeletVersion: z.string() }) }) })
const csiNode = z.object({
  spec: z.object({
    drivers: z
      .array(z.object({ name: z.string(), allocatable: z.object({ count: z.number() }).optional() }))
      .nullable(),
  }),
})
const event = z.object({
  reason: z.string().nullish(),
  message: z.string().nullish(),
  involvedObject: z.object({ name: z.string().optional() }),
})
const volumeSnapshot = z.object({ status: z.object({ readyToUse: z.boolean().optional() }).optional() })
const backup = z.object({ status: z.object({ phase: z.string().optional() }).optional() })

/** The kubelet's settings, as it says itself. */
async function configz({ kubeconfig }: Sight) {
  const [first] = await listed(kubeconfig, 'nodes', named)
  const out = await kubectl(kubeconfig, [
    'get',
    '--raw',
    `/api/v1/nodes/${first?.metadata.name}/proxy/configz`,
  ])
  return z.object({ kubeletconfig: z.looseObject({}) }).parse(JSON.parse(out)).kubeletconfig
}

const eventsWith = async ({ kubeconfig }: Sight, which: RegExp) =>
  (await listed(kubeconfig, 'events', event)).filter((one) => which.test(`${one.reason} ${one.message}`))

/** What k3s, Argo CD, Velero and the CSI driver do where they are at home. */
export const clusterQuestions: (Asked | Unasked)[] = [
  {
    id: 'k3s-version',
    question: 'Which k3s runs?',
    doubt: 'that it exists could not be seen',
    when: 'grown',
    ask: async ({ kubeconfig }) => {
      const all = await listed(kubeconfig, 'nodes', node)
      return { said: [...new Set(all.map(({ status }) => status.nodeInfo.kubeletVersion))].join(', ') }
    },
    supposed: parts.k3s.version,
    wrong: 'v1.36.4+k3s1',
    place: 'sandbox/droplet/k3s.ts, lib/cluster/versions.ts',
  },
  {
    id: 'volumes-a-droplet',
    question: 'How many volumes does the CSI driver say a droplet takes?',
    doubt: '15 by its changelog, 7 before',
    when: 'grown',
    ask: async ({ kubeconfig }) => {
      const [first] = await listed(kubeconfig, 'csinodes', csiNode)
      return { said: String(first?.spec.drivers?.[0]?.allocatable?.count ?? 'none') }
    },
    supposed: '15',
    wrong: '7',
    place: 'sandbox/cluster/csi.ts, lib/cluster/volume-places.ts',
  },
  {
    id: 'applications',
    question: 'Is every Application Synced and Healthy with the shipped charts?',
    doubt: 'none of these chart versions could be read',
    when: 'last',
    ask: async ({ kubeconfig, patience }) => {
      const look = async () => {
        const all = await listed(kubeconfig, 'applications.argoproj.io', application)
        return all.filter(
          ({ status }) => status?.sync?.status !== 'Synced' || status.health?.status !== 'Healthy',
        )
      }
      await until(patience, async () => ((await look()).length === 0 ? true : undefined))
      const others = (await look()).map(
        ({ metadata, status }) => `${metadata.name}: ${status?.sync?.status}, ${status?.health?.status}`,
      )
      return {
        said: others.length === 0 ? 'yes' : 'no',
        ...(others.length > 0 ? { seen: others.join('; ') } : {}),
      }
    },
    supposed: 'yes',
    wrong: 'no',
    place: 'sandbox/cluster/argocd, manifests/',
  },
  {
    id: 'images-pulled',
    question: 'Is every image pulled, without a registry’s limit?',
    doubt: '17 images of four registries, never pulled',
    when: 'grown',
    ask: async (sight) => {
      const seen = await eventsWith(sight, /ErrImagePull|ImagePullBackOff|toomanyrequests|Failed to pull/)
      const [first] = seen
      return {
        said: seen.length === 0 ? 'yes' : 'no',
        ...(first ? { seen: `${first.involvedObject.name}: ${first.message}` } : {}),
      }
    },
    supposed: 'yes',
    wrong: 'no',
    place: 'sandbox/behaviour.ts (unpullable), lib/cluster/versions.ts',
  },
  {
    id: 'nothing-evicted',
    question: 'Does the kubelet leave every pod where it is on 2 GB?',
    doubt: 'docs/memory.md: nothing was measured on a droplet',
    when: 'last',
    ask: async (sight) => {
      const seen = await eventsWith(sight, /^(Evicted|OOMKilling|SystemOOM|EvictionThresholdMet)/)
      return {
        said: seen.length === 0 ? 'yes' : 'no',
        seen: seen.map((one) => `${one.reason} ${one.involvedObject.name}`).join('; '),
      }
    },
    supposed: 'yes',
    wrong: 'no',
    place: 'docs/memory.md, cloud-init (kubelet.conf.d)',
  },
  {
    id: 'swap-for-pods',
    question: 'Does k3s’ kubelet read our settings: swap for pods, eviction below 100 MiB?',
    doubt: 'docs/evidence.md: the kubelet was seen alone, never started by k3s',
    when: 'grown',
    notInBox: true,
    ask: async (sight) => {
      const shape = z.looseObject({
        memorySwap: z.object({ swapBehavior: z.string().optional() }).optional(),
        evictionHard: z.record(z.string(), z.string()).optional(),
      })
      const { memorySwap, evictionHard } = shape.parse(await configz(sight))
      return {
        said: `${memorySwap?.swapBehavior ?? 'no swap'}, ${evictionHard?.['memory.available'] ?? 'no eviction'}`,
      }
    },
    supposed: 'LimitedSwap, 100Mi',
    wrong: 'no swap, no eviction',
    place: 'cloud-init/',
  },
  {
    id: 'address-answers',
    question: 'Does the cluster’s address answer on port 80?',
    doubt: 'servicelb behind a reserved address was read, not run',
    when: 'grown',
    notInBox: true,
    ask: async ({ address }) => {
      const { status } = await steadyFetch(`http://${address}/`)
      return { said: status === 200 ? 'yes' : String(status) }
    },
    supposed: 'yes',
    wrong: '404',
    place: 'docs/evidence.md, manifests/clusters/cluster/platform/ingress',
  },
  {
    id: 'client-address',
    question: 'Which address of its client does an app see?',
    doubt: 'concluded from source; DigitalOcean itself may hide it',
    when: 'grown',
    notInBox: true,
    ask: seesClient,
    supposed: 'one of the pods’ network',
    wrong: 'its client’s',
    place: 'docs/security.md, “What apps see of their clients”',
  },
  {
    id: 'snapshot-by-a-person',
    question: 'Does a VolumeSnapshot that a person makes get its snapshot?',
    doubt: 'docs/sandbox.md: unknown, played strictly',
    when: 'last',
    ask: async ({ kubeconfig, patience }) => {
      const [claim] = await listed(
        kubeconfig,
        'persistentvolumeclaims',
        named.extend({ metadata: z.object({ name: z.string(), namespace: z.string() }) }),
      )
      if (!claim) throw new Error('the cluster has no claim')
      const { namespace } = claim.metadata
      const metadata = { name: 'first-contact', namespace }
      const kind = 'volumesnapshots.snapshot.storage.k8s.io'
      await applied(kubeconfig, {
        apiVersion: 'snapshot.storage.k8s.io/v1',
        kind: 'VolumeSnapshot',
        metadata,
        spec: { source: { persistentVolumeClaimName: claim.metadata.name } },
      })
      try {
        const ready = await until(patience, async () => {
          const out = await kubectl(kubeconfig, ['get', kind, metadata.name, '-n', namespace, '-o', 'json'])
          return volumeSnapshot.parse(JSON.parse(out)).status?.readyToUse || undefined
        })
        return { said: ready ? 'yes' : 'no' }
      } finally {
        await kubectl(kubeconfig, ['delete', kind, metadata.name, '-n', namespace])
      }
    },
    supposed: 'no',
    wrong: 'yes',
    place: 'sandbox/cluster/csi.ts',
  },
  {
    id: 'policy-by-capacity',
    question: 'What becomes of a backup whose resource policy has a condition that regrow never writes?',
    doubt: 'docs/sandbox.md: “other conditions and actions played strictly”',
    when: 'last',
    ask: async ({ kubeconfig, patience }) => {
      const name = 'first-contact-policy'
      const metadata = { name, namespace: 'velero' }
      const rule = { conditions: { capacity: '900Gi,' }, action: { type: 'skip' } }
      const policies = JSON.stringify({ version: 'v1', volumePolicies: [rule] })
      await applied(kubeconfig, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { policies } })
      await applied(kubeconfig, {
        apiVersion: 'velero.io/v1',
        kind: 'Backup',
        metadata,
        spec: {
          includedNamespaces: ['first-contact'],
          includedResources: ['configmaps'],
          snapshotVolumes: false,
          storageLocation: 'default',
          ttl: '1h0m0s',
          resourcePolicy: { kind: 'configmap', name },
        },
      })
      const phase = await until(patience, async () => {
        const out = await kubectl(kubeconfig, [
          'get',
          'backups.velero.io',
          name,
          '-n',
          'velero',
          '-o',
          'json',
        ])
        const now = backup.parse(JSON.parse(out)).status?.phase
        return ['Completed', 'PartiallyFailed', 'Failed', 'FailedValidation'].find((one) => one === now)
      })
      return { said: phase ?? `not over after ${patience} s` }
    },
    supposed: 'FailedValidation',
    wrong: 'Completed',
    place: 'sandbox/cluster/velero (policies)',
  },
  {
    id: 'bytes-copied-from-pods',
    question: 'Do the bytes of volumes that Velero copies from pods come back?',
    doubt: 'docs/sandbox.md: unknown, played strictly',
    unasked: 'Such a volume would make the play’s own backup another one than regrow takes.',
  },
  {
    id: 'certificate',
    question: 'Does the first certificate come once its DNS record is there?',
    doubt: 'it was seen only with a stand-in for Let’s Encrypt',
    unasked: 'It takes a domain; tried by hand with Pebble (docs/evidence.md).',
  },
  {
    id: 'certificates-after-a-year',
    question: 'Does k3s renew its certificates before they end?',
    doubt: 'the limits were read in its source, never lived through',
    unasked: 'It takes 245 days.',
  },
]
