import { createPrivateKey, generateKeyPair, webcrypto } from 'node:crypto'
import { promisify } from 'node:util'
import type { X509Certificate } from '@peculiar/x509'
import { z } from 'zod'
import { loadX509 } from './x509.ts'

const authority = z.strictObject({ cert: z.string(), key: z.string() })

/** The authorities of a k3s cluster as PEM texts, as they are kept in a recovery kit. */
export const clusterAuthorities = z.strictObject({
  server: authority,
  client: authority,
  requestHeader: authority,
  etcdPeer: authority,
  etcdServer: authority,
  /** Private key that signs service accounts' tokens. */
  serviceKey: z.string(),
})

/** The authorities of a k3s cluster as PEM texts. */
export type ClusterAuthorities = z.infer<typeof clusterAuthorities>

/** A certificate and its private key as PEM texts. */
export type KeyAndCertificate = z.infer<typeof authority>

const day = 86_400_000
const signing = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/**
 * Makes the five certificate authorities and the service-account key that k3s would make itself at its first start
 * (https://docs.k3s.io/cli/certificate), valid from a day before `now` for ten years.
 */
export async function makeClusterAuthorities({ now }: { now: Date }): Promise<ClusterAuthorities> {
  const make = (name: string) => makeAuthority(`k3s-${name}-ca@${Math.floor(now.getTime() / 1000)}`, now)
  const [server, client, requestHeader, etcdPeer, etcdServer, serviceKey] = await Promise.all([
    make('server'),
    make('client'),
    make('request-header'),
    make('etcd-peer'),
    make('etcd-server'),
    makeServiceKey(),
  ])
  return { server, client, requestHeader, etcdPeer, etcdServer, serviceKey }
}

/** The authorities as files of k3s' folder `server/tls`, by their path in it. */
export function authorityFiles(authorities: ClusterAuthorities): Record<string, string> {
  const pair = (path: string, { cert, key }: KeyAndCertificate) => ({
    [`${path}-ca.crt`]: cert,
    [`${path}-ca.key`]: key,
  })
  return {
    ...pair('server', authorities.server),
    ...pair('client', authorities.client),
    ...pair('request-header', authorities.requestHeader),
    ...pair('etcd/peer', authorities.etcdPeer),
    ...pair('etcd/server', authorities.etcdServer),
    'service.key': authorities.serviceKey,
  }
}

/**
 * Makes the operator's client certificate. Its group is `system:masters` unless told: whoever has such a certificate may
 * do everything until it ends, and nothing in the cluster takes that away. A year by default.
 */
export function makeOperatorCertificate(
  authorities: ClusterAuthorities,
  { now, days = 365, group = 'system:masters' }: { now: Date; days?: number; group?: string },
): Promise<KeyAndCertificate> {
  return makeCertificate(authorities.client, {
    now,
    days,
    name: 'regrow-operator',
    organization: group,
    usage: 'client',
  })
}

/** What a certificate is for: `names` are the DNS names and IP addresses it speaks for, `days` its life from `now`. */
export interface CertificateSpec {
  now: Date
  name: string
  usage: 'client' | 'server'
  organization?: string
  names?: string[]
  days?: number
}

/** Makes a P-256 key and a certificate for it, signed by the authority, valid from a day before `now`. */
export async function makeCertificate(
  signer: KeyAndCertificate,
  wish: CertificateSpec,
): Promise<KeyAndCertificate> {
  const x509 = await loadX509()
  const usages = { client: x509.ExtendedKeyUsage.clientAuth, server: x509.ExtendedKeyUsage.serverAuth }
  const issuer = new x509.X509Certificate(signer.cert)
  const keys = await webcrypto.subtle.generateKey(signing, true, ['sign', 'verify'])
  const names = (wish.names ?? []).map((name) => ({
    type: /^[\d.]+$|:/.test(name) ? ('ip' as const) : ('dns' as const),
    value: name,
  }))
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    issuer: issuer.subjectName,
    subject: new x509.Name([...(wish.organization ? [{ O: [wish.organization] }] : []), { CN: [wish.name] }]),
    notBefore: new Date(wish.now.getTime() - day),
    notAfter: new Date(wish.now.getTime() + (wish.days ?? 365) * day),
    publicKey: keys.publicKey,
    signingAlgorithm: signing,
    signingKey: await importKey(signer.key),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([usages[wish.usage]]),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
    ],
  })
  return { cert: pem(certificate), key: await exportKey(keys.privateKey) }
}

async function makeAuthority(name: string, now: Date): Promise<KeyAndCertificate> {
  const x509 = await loadX509()
  const keys = await webcrypto.subtle.generateKey(signing, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: new x509.Name([{ CN: [name] }]),
    notBefore: new Date(now.getTime() - day),
    notAfter: new Date(now.getTime() + 3652 * day),
    keys,
    signingAlgorithm: signing,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign | x509.KeyUsageFlags.digitalSignature,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { cert: pem(certificate), key: await exportKey(keys.privateKey) }
}

// RSA in PKCS#1, as k3s writes it: Kubernetes reads the public half out of this file, which it cannot for PKCS#8.
async function makeServiceKey(): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
  return privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()
}

// "EC PRIVATE KEY", as k3s writes its own: readable to every part of it.
async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key))
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    .export({ type: 'sec1', format: 'pem' })
    .toString()
}

async function importKey(text: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(text).export({ type: 'pkcs8', format: 'der' })
  return await webcrypto.subtle.importKey('pkcs8', der, signing, false, ['sign'])
}

function pem(certificate: X509Certificate): string {
  return `${certificate.toString('pem').trimEnd()}\n`
}

// Positive and never zero-led, so that it is one form only in DER.
function serialNumber(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16))
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40
  return Buffer.from(bytes).toString('hex')
}
