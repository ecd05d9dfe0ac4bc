import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto'
import t from 'tap'
import { authorityFiles, makeCertificate, makeOperatorCertificate } from '../src/index.ts'
import { authorities, now } from './sample.ts'

const day = 86_400_000

t.test('the authorities lie where k3s looks for them, each key with its certificate', async (t) => {
  const files = authorityFiles(authorities)
  t.strictSame(Object.keys(files).sort(), [
    'client-ca.crt',
    'client-ca.key',
    'etcd/peer-ca.crt',
    'etcd/peer-ca.key',
    'etcd/server-ca.crt',
    'etcd/server-ca.key',
    'request-header-ca.crt',
    'request-header-ca.key',
    'server-ca.crt',
    'server-ca.key',
    'service.key',
  ])
  for (const [path, pem] of Object.entries(files)) {
    if (!path.endsWith('.crt')) continue
    const certificate = new X509Certificate(pem)
    t.ok(certificate.ca, `${path} may sign`)
    t.ok(certificate.verify(certificate.publicKey), `${path} is signed by itself`)
    t.ok(certificate.checkPrivateKey(createPrivateKey(files[path.replace('.crt', '.key')] ?? '')), path)
  }
  const subjects = Object.values(files).flatMap((pem) =>
    pem.includes('BEGIN CERTIFICATE') ? [new X509Certificate(pem).subject] : [],
  )
  t.equal(new Set(subjects).size, 5, 'no two have the same name')
})

t.test('they are valid from a day before, for ten years', async (t) => {
  const certificate = new X509Certificate(authorities.server.cert)
  t.equal(new Date(certificate.validFrom).getTime(), now.getTime() - day)
  t.equal(new Date(certificate.validTo).getTime(), now.getTime() + 3652 * day)
})

t.test('keys have the forms that Kubernetes reads a public key out of', async (t) => {
  t.match(authorities.server.key, /^-----BEGIN EC PRIVATE KEY-----\n/)
  t.match(authorities.serviceKey, /^-----BEGIN RSA PRIVATE KEY-----\n/)
  t.equal(createPublicKey(authorities.serviceKey).asymmetricKeyType, 'rsa')
})

t.test("the operator's certificate is the client authority's, and no other's", async (t) => {
  const { cert, key } = await makeOperatorCertificate(authorities, { now, days: 30 })
  const certificate = new X509Certificate(cert)
  t.equal(certificate.subject, 'O=system:masters\nCN=regrow-operator')
  t.ok(certificate.verify(new X509Certificate(authorities.client.cert).publicKey))
  t.notOk(certificate.verify(new X509Certificate(authorities.server.cert).publicKey))
  t.ok(certificate.checkIssued(new X509Certificate(authorities.client.cert)))
  t.notOk(certificate.ca, 'it cannot sign others')
  t.strictSame(certificate.keyUsage, ['1.3.6.1.5.5.7.3.2'], 'for clients only')
  t.ok(certificate.checkPrivateKey(createPrivateKey(key)))
  t.equal(new Date(certificate.validTo).getTime(), now.getTime() + 30 * day)
})

t.test("a server's certificate speaks for its names and addresses", async (t) => {
  const { cert } = await makeCertificate(authorities.server, {
    now,
    name: 'api',
    usage: 'server',
    names: ['main.regrow.internal', '203.0.113.10'],
  })
  const certificate = new X509Certificate(cert)
  t.equal(certificate.checkHost('main.regrow.internal'), 'main.regrow.internal')
  t.equal(certificate.checkIP('203.0.113.10'), '203.0.113.10')
  t.equal(certificate.checkHost('other.example'), undefined)
})
