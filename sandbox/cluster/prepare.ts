import { createHash } from 'node:crypto'
import { Refusal } from './refusal.ts'
import { at, type Thing, textAt, treeAt } from './tree.ts'

/**
 * What a Kubernetes API fills in or refuses on writing, as far as paper knows it: Secret texts become data, names are
 * checked, a claim takes the default class, a Service gets an address.
 * @param classes the StorageClasses there are
 * @throws Refusal 422 for what Kubernetes calls Invalid.
 */
export function complete(thing: Thing, classes: () => Thing[]): Thing {
  const { name, labels } = thing.metadata
  if (!/^[a-z0-9]([-a-z0-9.:]*[a-z0-9])?$/i.test(name) || name.length > 253)
    throw new Refusal(
      422,
      'Invalid',
      `${thing.kind} "${name}" is invalid: metadata.name: Invalid value: "${name}"`,
    )
  switch (`${thing.apiVersion} ${thing.kind}`) {
    case 'v1 Secret':
      return secret(thing)
    case 'v1 Namespace': {
      const finalizers = at(thing, 'metadata', 'finalizers') ?? ['kubernetes']
      const named = { ...labels, 'kubernetes.io/metadata.name': name }
      const status = { phase: thing.metadata.deletionTimestamp ? 'Terminating' : 'Active' }
      return { ...thing, metadata: { ...thing.metadata, labels: named, finalizers }, status }
    }
    case 'v1 PersistentVolumeClaim':
      return claim(thing, classes())
    case 'v1 Service':
      return service(thing)
    case 'apps/v1 Deployment':
    case 'apps/v1 StatefulSet':
      return { ...thing, spec: { replicas: 1, ...treeAt(thing, 'spec') } }
    default:
      return thing
  }
}

function secret({ stringData, ...thing }: Thing): Thing {
  const texts = Object.entries(treeAt({ stringData }, 'stringData'))
  const encoded = texts.map(([key, text]) => [key, Buffer.from(String(text)).toString('base64')])
  const data = { ...treeAt(thing, 'data'), ...Object.fromEntries(encoded) }
  for (const [key, value] of Object.entries(data))
    if (typeof value !== 'string' || !/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(value))
      throw new Refusal(
        400,
        'BadRequest',
        `Secret in version "v1" cannot be handled as a Secret: illegal base64 data in ${key}`,
      )
  return { type: 'Opaque', ...(thing as Thing), ...(Object.keys(data).length ? { data } : {}) }
}

function claim(thing: Thing, classes: Thing[]): Thing {
  const storage = textAt(thing, 'spec', 'resources', 'requests', 'storage')
  if (!/^\d+(\.\d+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$/.test(storage)) {
    const message = `PersistentVolumeClaim "${thing.metadata.name}" is invalid: spec.resources[storage]: Required value`
    throw new Refusal(422, 'Invalid', message)
  }
  const standard = classes.find(
    (one) => one.metadata.annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true',
  )
  const storageClassName = at(thing, 'spec', 'storageClassName') ?? standard?.metadata.name
  const spec = {
    volumeMode: 'Filesystem',
    ...treeAt(thing, 'spec'),
    ...(storageClassName ? { storageClassName } : {}),
  }
  const finalizers = at(thing, 'metadata', 'finalizers') ?? ['kubernetes.io/pvc-protection']
  const status = thing.status ?? { phase: 'Pending' }
  return { ...thing, metadata: { ...thing.metadata, finalizers }, spec, status }
}

function service(thing: Thing): Thing {
  const [a = 0, b = 0] = createHash('sha256').update(thing.metadata.uid).digest()
  const clusterIP = `10.43.${a}.${Math.max(2, b)}`
  return { ...thing, spec: { type: 'ClusterIP', clusterIP, ...treeAt(thing, 'spec') } }
}
