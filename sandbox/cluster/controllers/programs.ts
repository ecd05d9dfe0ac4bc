import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { behaviourOf } from '../../behaviour.ts'
import type { Cluster } from '../cluster.ts'
import { now } from '../time.ts'
import { at, listAt, type Thing, textAt, textsAt } from '../tree.ts'

/**
 * Why one of the few programs that the box knows by name would end right after its start; undefined for all others.
 * Their pods look to Kubernetes as if they could run.
 */
export function stumbles({ store }: Cluster, pod: Thing): string | undefined {
  const { namespace, name } = pod.metadata
  // The droplet's metadata service is closed to pods, and the driver asks it where it runs.
  if (/^csi-do-controller-/.test(name) && at(pod, 'spec', 'hostNetwork') !== true)
    return `couldn't get metadata: Get "http://169.254.169.254/metadata/v1/id": context deadline exceeded`
  const isArgo = /^argocd-(server|application-controller)-/.test(name)
  if (namespace === 'argocd' && isArgo && !store.find('Secret', namespace, 'argocd-secret'))
    return 'error retrieving argocd-secret: secret "argocd-secret" not found'
  return undefined
}

/**
 * What the node's own unit does when the pod that asks for it has run: nothing is converted, the label says etcd,
 * resource versions begin anew and the outcome is told as it would be. With `convertFails` in behaviour.json the old
 * database is back. Either way whoever watched is blind: a real one draws a lot.
 */
export async function convertDatastore(cluster: Cluster, pod: Thing): Promise<void> {
  const { store, world, blind } = cluster
  const asks = listAt(pod, 'spec', 'volumes').some((one) => textAt(one, 'hostPath', 'path') === convertFolder)
  if (!asks) return
  const fails = behaviourOf(world).convertFails
  const state = fails ? 'failed' : 'done'
  const message = fails
    ? 'etcd did not take over; the old database is back and k3s answers.'
    : 'The datastore is etcd.'
  const node = store.get('Node', undefined, textAt(pod, 'spec', 'nodeName'))
  const labels = { ...node.metadata.labels, 'node-role.kubernetes.io/etcd': 'true' }
  if (!fails) {
    store.update({ ...node, metadata: { ...node.metadata, labels } })
    store.renumber()
  }
  for (const { metadata } of store.list('Pod')) blind.add(metadata.uid)
  const isServer = ({ metadata }: Thing) => 'node-role.kubernetes.io/control-plane' in (metadata.labels ?? {})
  for (const one of store.list('Node')) if (!isServer(one)) blind.add(`node/${one.metadata.name}`)
  const metadata = { name: 'regrow-convert', namespace: 'kube-system' }
  store.apply(
    { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { state, message } },
    { manager: 'regrow' },
  )
  const secret = store.get('Secret', 'kube-system', 'regrow-convert')
  const report = {
    step: 'convert',
    state,
    at: new Date().toISOString(),
    seconds: 0,
    bootId: 'simulated',
    message,
  }
  await fetch(Buffer.from(textAt(secret, 'data', 'url'), 'base64').toString(), {
    method: 'PUT',
    body: JSON.stringify({ ...report, simulated: true }),
  })
}

const convertFolder = '/var/lib/regrow/convert'

/** What the sample's own script does to its volume: the time of the first start, once, and the page that tells it. */
export function takeEffect({ store, world }: Cluster, pod: Thing): void {
  const scripts = listAt(pod, 'spec', 'initContainers').flatMap((one) => textsAt(one, 'command'))
  if (!scripts.some((script) => script.includes('/data/first-start'))) return
  const claims = listAt(pod, 'spec', 'volumes').map((one) =>
    textAt(one, 'persistentVolumeClaim', 'claimName'),
  )
  const claim = store.find('PersistentVolumeClaim', pod.metadata.namespace, claims.find(Boolean) ?? '')
  const volume = store.find('PersistentVolume', undefined, textAt(claim, 'spec', 'volumeName'))
  const id = textAt(volume, 'spec', 'csi', 'volumeHandle')
  if (!id) return
  const first = world.path('volumes', id, 'first-start')
  if (!existsSync(first)) writeFileSync(first, `${now()}\n`)
  const page = world.path('volumes', id, 'www', 'index.html')
  mkdirSync(dirname(page), { recursive: true })
  writeFileSync(
    page,
    `<!doctype html>\n<title>hello</title>\n<p>First served at ${readFileSync(first, 'utf8').trim()}.</p>\n`,
  )
}
