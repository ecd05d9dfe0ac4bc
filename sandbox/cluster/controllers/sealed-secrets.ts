import { constants, createDecipheriv, privateDecrypt } from 'node:crypto'
import { type Cluster, runs } from '../cluster.ts'
import { type Controller, keyOf, split } from '../control.ts'
import { listAt, type Thing, textAt, treeAt } from '../tree.ts'

const active = 'sealedsecrets.bitnami.com/sealed-secrets-key'

/**
 * The paper sealed-secrets controller: opens SealedSecrets once its Deployment runs, with the keys that were there when
 * its pod started (the real one does not look again, unless --watch-for-secrets says so).
 */
export function sealedSecrets(cluster: Cluster): Controller {
  const { store } = cluster
  const isRunning = () =>
    store.list('Deployment').some(({ metadata }) => {
      const { namespace = '', name } = metadata
      return /sealed-secrets/.test(name) && runs(cluster, 'Deployment', namespace, name)
    })
  return {
    keys: ({ type, kind, thing }) => {
      if (kind.kind === 'SealedSecret') return [keyOf(thing)]
      if (kind.kind === 'Deployment' || (kind.kind === 'Pod' && /^sealed-secrets/.test(thing.metadata.name)))
        return store.list('SealedSecret').map(keyOf)
      // A Secret that it made and somebody removed is made again.
      const isOwned = listAt(thing, 'metadata', 'ownerReferences').some((one) => one.kind === 'SealedSecret')
      return kind.kind === 'Secret' && type === 'DELETED' && isOwned ? [keyOf(thing)] : []
    },
    reconcile: (key) => {
      const sealed =
        store.kinds.has('SealedSecret') && isRunning() && store.find('SealedSecret', ...split(key))
      if (!sealed) return
      const { namespace, name } = sealed.metadata
      const [status, message] = attempt(cluster, sealed)
      const conditions = [{ type: 'Synced', status, ...(message ? { message } : {}) }]
      store.setStatus('SealedSecret', namespace, name, {
        conditions,
        observedGeneration: sealed.metadata.generation,
      })
    },
  }
}

const managed = 'sealedsecrets.bitnami.com/managed'
const patched = 'sealedsecrets.bitnami.com/patch'

function attempt(cluster: Cluster, sealed: Thing): ['True' | 'False', string?] {
  const { store } = cluster
  const { namespace, name, uid } = sealed.metadata
  try {
    const entries = Object.entries(treeAt(sealed, 'spec', 'encryptedData'))
    const data = Object.fromEntries(
      entries.map(([key, text]) => [key, open(cluster, sealed, String(text)).toString('base64')]),
    )
    const template = treeAt(sealed, 'spec', 'template')
    const ownerReferences = [
      { apiVersion: sealed.apiVersion, kind: sealed.kind, name, uid, controller: true },
    ]
    const metadata = { ...treeAt(template, 'metadata'), name, namespace, ownerReferences }
    const type = textAt(template, 'type') || 'Opaque'
    const wanted = { apiVersion: 'v1', kind: 'Secret', metadata, type, data }
    const live = store.find('Secret', namespace, name)
    if (!live) store.create(wanted)
    else update(cluster, sealed, live, wanted as unknown as Thing)
    return ['True']
  } catch (error) {
    return ['False', (error as Error).message]
  }
}

/** Takes a Secret over that is its own or that is offered to it by an annotation. @throws Error for any other */
function update({ store }: Cluster, sealed: Thing, live: Thing, wanted: Thing): void {
  const { labels, annotations = {} } = live.metadata
  const isOwned = listAt(live, 'metadata', 'ownerReferences').some((one) => one.uid === sealed.metadata.uid)
  const isPatched = annotations[patched] === 'true'
  if (!isOwned && !isPatched && annotations[managed] !== 'true')
    throw new Error(
      `failed update: Resource "${live.metadata.name}" already exists and is not managed by SealedSecret`,
    )
  const { ownerReferences } = wanted.metadata
  const metadata = isPatched
    ? {
        ...live.metadata,
        labels: { ...labels, ...wanted.metadata.labels },
        annotations: { ...annotations, ...wanted.metadata.annotations },
        ...(annotations[managed] === 'true' ? { ownerReferences } : {}),
      }
    : {
        ...live.metadata,
        labels: wanted.metadata.labels ?? {},
        annotations: wanted.metadata.annotations ?? {},
        ownerReferences,
      }
  const data = isPatched ? { ...treeAt(live, 'data'), ...treeAt(wanted, 'data') } : wanted.data
  store.update({ ...live, metadata, type: wanted.type, data })
}

/** The keys that the running controller has read: those that are no younger than its pod. */
function keysOf({ store }: Cluster): Thing[] {
  const [pod] = store
    .list('Pod')
    .filter(
      (one) => /^sealed-secrets/.test(one.metadata.name) && textAt(one, 'status', 'phase') === 'Running',
    )
  const started = Date.parse(textAt(pod, 'metadata', 'creationTimestamp'))
  return store
    .list('Secret', pod?.metadata.namespace)
    .filter((one) => one.metadata.labels?.[active] === 'active')
    .filter((one) => Date.parse(textAt(one, 'metadata', 'creationTimestamp')) <= started)
}

/** Format: two bytes length, the session key under RSA-OAEP with the scope as its label, then AES-256-GCM. */
function open(cluster: Cluster, sealed: Thing, text: string): Buffer {
  const bytes = Buffer.from(text, 'base64')
  const end = 2 + bytes.readUInt16BE(0)
  const { namespace, name, annotations = {} } = sealed.metadata
  const scopes = ['cluster-wide', 'namespace-wide'].filter(
    (one) => annotations[`sealedsecrets.bitnami.com/${one}`] === 'true',
  )
  const label = scopes[0] === 'cluster-wide' ? '' : scopes[0] ? `${namespace}` : `${namespace}/${name}`
  for (const secret of keysOf(cluster))
    try {
      const key = Buffer.from(textAt(secret, 'data', 'tls.key'), 'base64').toString()
      const how = {
        key,
        oaepHash: 'sha256',
        oaepLabel: Buffer.from(label),
        padding: constants.RSA_PKCS1_OAEP_PADDING,
      }
      const session = privateDecrypt(how, bytes.subarray(2, end))
      const cipher = createDecipheriv('aes-256-gcm', session, Buffer.alloc(12))
      cipher.setAuthTag(bytes.subarray(-16))
      return Buffer.concat([cipher.update(bytes.subarray(end, -16)), cipher.final()])
    } catch {
      // Another key may be the one.
    }
  throw new Error('no key could decrypt secret')
}
