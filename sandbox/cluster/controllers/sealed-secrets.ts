import { constants, createDecipheriv, privateDecrypt } from 'node:crypto'
import { type Cluster, runs } from '../cluster.ts'
import { type Controller, keyOf, split } from '../control.ts'
import { listAt, type Thing, textAt, treeAt } from '../tree.ts'

const active = 'sealedsecrets.bitnami.com/sealed-secrets-key'

/** The paper sealed-secrets controller: opens SealedSecrets with the active keys, once its Deployment runs. */
export function sealedSecrets(cluster: Cluster): Controller {
  const { store } = cluster
  const isRunning = () =>
    store.list('Deployment').some(({ metadata }) => {
      const { namespace = '', name } = metadata
      return /sealed-secrets/.test(name) && runs(cluster, 'Deployment', namespace, name)
    })
  return {
    keys: ({ kind, thing }) => {
      if (kind.kind === 'SealedSecret') return [keyOf(thing)]
      return kind.kind === 'Deployment' || (kind.kind === 'Secret' && thing.metadata.labels?.[active])
        ? store.list('SealedSecret').map(keyOf)
        : []
    },
    reconcile: (key) => {
      const sealed =
        store.kinds.has('SealedSecret') && isRunning() && store.find('SealedSecret', ...split(key))
      if (!sealed) return
      const { namespace, name } = sealed.metadata
      const [status, message] = attempt(cluster, sealed)
      const conditions = [
        { type: 'Synced', status, ...(message ? { message, reason: 'ErrUnsealFailed' } : {}) },
      ]
      store.setStatus('SealedSecret', namespace, name, {
        conditions,
        observedGeneration: sealed.metadata.generation,
      })
    },
  }
}

function attempt(cluster: Cluster, sealed: Thing): ['True' | 'False', string?] {
  const { store } = cluster
  const { namespace, name, uid } = sealed.metadata
  const live = store.find('Secret', namespace, name)
  const isOwned = listAt(live, 'metadata', 'ownerReferences').some((owner) => owner.uid === uid)
  if (live && !isOwned && live.metadata.annotations?.['sealedsecrets.bitnami.com/managed'] !== 'true')
    return ['False', `failed update: Resource "${name}" already exists and is not managed by SealedSecret`]
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
    store.apply({ apiVersion: 'v1', kind: 'Secret', metadata, type, data }, { manager: 'controller' })
    return ['True']
  } catch (error) {
    return ['False', (error as Error).message]
  }
}

/** Format: two bytes length, the session key under RSA-OAEP with the scope as its label, then AES-256-GCM. */
function open({ store }: Cluster, sealed: Thing, text: string): Buffer {
  const bytes = Buffer.from(text, 'base64')
  const end = 2 + bytes.readUInt16BE(0)
  const { namespace, name, annotations = {} } = sealed.metadata
  const scopes = ['cluster-wide', 'namespace-wide'].filter(
    (one) => annotations[`sealedsecrets.bitnami.com/${one}`] === 'true',
  )
  const label = scopes[0] === 'cluster-wide' ? '' : scopes[0] ? `${namespace}` : `${namespace}/${name}`
  for (const secret of store.list('Secret').filter((one) => one.metadata.labels?.[active] === 'active'))
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
