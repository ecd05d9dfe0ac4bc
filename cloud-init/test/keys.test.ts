import { createHash } from 'node:crypto'
import { load } from 'js-yaml'
import sshpk from 'sshpk'
import t from 'tap'
import { joinToken, makeSshKeyPair, renderKubeconfig } from '../src/index.ts'
import { authorities } from './sample.ts'

t.test('a join token carries the hash of the server CA as the server hands it out', async (t) => {
  const hash = createHash('sha256').update(Buffer.from(authorities.server.cert)).digest('hex')
  t.equal(joinToken('server', 'secret', authorities.server.cert), `K10${hash}::server:secret`)
  t.equal(joinToken('node', 'secret', authorities.server.cert), `K10${hash}::node:secret`)
})

t.test('an SSH key pair is in the format of OpenSSH, both halves of one key', async (t) => {
  const { publicKey, privateKey } = makeSshKeyPair('main@regrow')
  t.match(privateKey, /^-----BEGIN OPENSSH PRIVATE KEY-----\n[\s\S]+\n-----END OPENSSH PRIVATE KEY-----\n$/)
  t.match(publicKey, /^ssh-ed25519 [A-Za-z0-9+/]+=* main@regrow$/)
  const halves = [
    sshpk.parsePrivateKey(privateKey, 'ssh-private').toPublic(),
    sshpk.parseKey(publicKey, 'ssh'),
  ].map((key) => key.fingerprint('sha256').toString())
  t.equal(halves[0], halves[1])
  t.not(makeSshKeyPair('main@regrow').privateKey, privateKey, 'each pair is a new one')
})

t.test('a kubeconfig names the server, and the name by which its certificate is checked', async (t) => {
  const text = renderKubeconfig({
    cluster: 'main',
    server: 'https://203.0.113.10:6443',
    tlsServerName: 'main.regrow.internal',
    ca: 'the CA',
    cert: 'the certificate',
    key: 'the key',
  })
  const base64 = (value: string) => Buffer.from(value).toString('base64')
  t.strictSame(load(text), {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'main',
        cluster: {
          server: 'https://203.0.113.10:6443',
          'tls-server-name': 'main.regrow.internal',
          'certificate-authority-data': base64('the CA'),
        },
      },
    ],
    users: [
      {
        name: 'main',
        user: {
          'client-certificate-data': base64('the certificate'),
          'client-key-data': base64('the key'),
        },
      },
    ],
    contexts: [{ name: 'main', context: { cluster: 'main', user: 'main' } }],
    'current-context': 'main',
  })
})
