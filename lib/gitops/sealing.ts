import {
  constants,
  createCipheriv,
  type KeyObject,
  publicEncrypt,
  randomBytes,
  X509Certificate,
} from 'node:crypto'
import { z } from 'zod'
import { command } from '../base/hint.ts'
import { Problem } from '../base/problem.ts'
import { faultsOf } from '../cluster/faults.ts'

/** A Secret as a person writes it; `stringData` is taken like `data`, not yet encoded. */
const secret = z.looseObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('Secret'),
  metadata: z.looseObject({
    name: z.string().min(1),
    namespace: z.string().default('default'),
    labels: z.record(z.string(), z.string()).optional(),
    annotations: z.record(z.string(), z.string()).optional(),
  }),
  type: z.string().optional(),
  data: z.record(z.string(), z.base64('is not base64')).default({}),
  stringData: z.record(z.string(), z.string()).default({}),
})

/** Backups leave these Secrets out: the controller makes them from Git, and refuses to adopt restored ones. */
const labels = { 'velero.io/exclude-from-backup': 'true' }

/**
 * Turns Secrets into SealedSecrets, all or none of them.
 * @param manifests one or more, as a file has them
 * @param certificate PEM
 * @throws Problem (exit code 2) naming the document that is not a Secret, or when the certificate is not one
 */
export const sealSecrets = (manifests: readonly unknown[], certificate: string): object[] =>
  manifests
    .map((one, at) => readSecret(one, manifests.length > 1 ? `document ${at + 1}` : 'this'))
    .map((one) => seal(one, certificate))

/** @param what names the document. @throws Problem (exit code 2) without its values: they are secret */
function readSecret(manifest: unknown, what: string): z.infer<typeof secret> {
  const read = secret.safeParse(manifest)
  if (read.success) return read.data
  const { kind } = z.looseObject({ kind: z.string().optional() }).catch({}).parse(manifest)
  const faults = faultsOf(read.error, undefined, secret)
  const wrong =
    kind === undefined || kind === 'Secret'
      ? faults.map(({ key, fault }) => `${key} ${fault}`.trim()).join('; ')
      : `it is a ${kind}, not a Secret`
  throw new Problem(`${what} cannot be sealed: ${wrong}`, {
    cure: 'Give manifests of kind Secret, each with data or stringData; `---` stands between two.',
    exitCode: 2,
  })
}

/**
 * Turns a Secret into a SealedSecret (bitnami.com/v1alpha1, strict scope) that only the holder of the certificate's
 * private key can open. Format: sealed-secrets `pkg/crypto/crypto.go`.
 */
function seal({ metadata, type, data, stringData }: z.infer<typeof secret>, certificate: string): object {
  const plain = {
    ...Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64')])),
    ...Object.fromEntries(Object.entries(stringData).map(([key, value]) => [key, Buffer.from(value)])),
  }
  const label = `${metadata.namespace}/${metadata.name}`
  const key = publicKeyOf(certificate)
  return {
    apiVersion: 'bitnami.com/v1alpha1',
    kind: 'SealedSecret',
    metadata: { name: metadata.name, namespace: metadata.namespace },
    spec: {
      encryptedData: Object.fromEntries(
        Object.entries(plain).map(([name, value]) => [name, sealValue(value, key, label)]),
      ),
      template: {
        ...(type ? { type } : {}),
        metadata: {
          name: metadata.name,
          namespace: metadata.namespace,
          labels: { ...metadata.labels, ...labels },
          ...(metadata.annotations ? { annotations: metadata.annotations } : {}),
        },
      },
    },
  }
}

function publicKeyOf(certificate: string): KeyObject {
  try {
    return new X509Certificate(certificate).publicKey
  } catch (cause) {
    throw new Problem('not a sealing certificate', {
      cure: `${command('scripts/seal.mts', '--save-certificate', 'FILE')} writes the cluster’s.`,
      exitCode: 2,
      cause,
    })
  }
}

/** Length of the wrapped session key (2 bytes, big endian), the wrapped key, then AES-256-GCM with a zero nonce. */
function sealValue(value: Buffer, key: KeyObject, label: string): string {
  const sessionKey = randomBytes(32)
  const wrapped = publicEncrypt(
    {
      key,
      padding: constants.RSA_PKCS1_OAEP_PADDING,
      oaepHash: 'sha256',
      oaepLabel: Buffer.from(label),
    },
    sessionKey,
  )
  const length = Buffer.alloc(2)
  length.writeUInt16BE(wrapped.length)
  // Every value has a session key of its own, so the nonce may be zero.
  const cipher = createCipheriv('aes-256-gcm', sessionKey, Buffer.alloc(12))
  return Buffer.concat([length, wrapped, cipher.update(value), cipher.final(), cipher.getAuthTag()]).toString(
    'base64',
  )
}
