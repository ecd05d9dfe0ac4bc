import { createPrivateKey, webcrypto } from 'node:crypto'
import { loadX509 } from '#cloud-init/x509.ts'

const algorithm = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  publicExponent: new Uint8Array([1, 0, 1]),
  modulusLength: 3072,
} as const

/**
 * Makes the key pair that seals Secrets: a self-signed RSA certificate (PEM) and its private key (PKCS#8 PEM), valid
 * for ten years, so that what was sealed on the first day still opens after a restore
 * (sealed-secrets, docs/bring-your-own-certificates.md).
 */
export async function makeSealingKey({ now }: { now: Date }): Promise<{ certificate: string; key: string }> {
  const x509 = await loadX509()
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=sealed-secret,O=sealed-secret',
    notBefore: new Date(now.getTime() - 86_400_000),
    notAfter: new Date(now.getTime() + 3652 * 86_400_000),
    keys,
    signingAlgorithm: algorithm,
  })
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey))
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  return {
    certificate: `${certificate.toString('pem').trimEnd()}\n`,
    key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}
