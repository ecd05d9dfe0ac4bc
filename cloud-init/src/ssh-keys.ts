import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/** Makes an ed25519 key pair in OpenSSH's own format, the only one its tools read (Node's PKCS#8 they refuse). */
export function makeSshKeyPair(comment: string): { publicKey: string; privateKey: string } {
  const sshpk: typeof import('sshpk') = require('sshpk')
  const key = sshpk.generatePrivateKey('ed25519')
  key.comment = comment
  return {
    publicKey: key.toPublic().toString('ssh').trim(),
    privateKey: `${key.toString('openssh').trimEnd()}\n`,
  }
}
