import { generateKeyPairSync } from 'node:crypto'
import { inspect } from 'node:util'
import t from 'tap'
import { redact, Secret } from '../../lib/base/secret.ts'

t.test('a secret shows as [redacted] in every form it may be printed in', async (t) => {
  const value = 'dop_v1_a"b/c+d=e f'
  const secret = new Secret(value)
  t.equal(secret.reveal(), value)
  for (const text of [`${secret}`, JSON.stringify({ secret }), inspect({ secret }), String(secret)])
    t.notMatch(text, 'dop_v1')
  for (const form of [
    value,
    encodeURIComponent(value),
    JSON.stringify(value),
    Buffer.from(value).toString('base64'),
    Buffer.from(value).toString('hex'),
  ])
    t.notMatch(redact(`x ${form} y`), form.replaceAll('"', ''))
})

t.test(
  'a PEM file that a log indents, and Base64 of a text around a secret, are taken out too',
  async (t) => {
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    })
    new Secret(privateKey)
    const body = privateKey.split('\n').filter((line) => line.length > 20 && !line.startsWith('-'))
    const shown = redact(privateKey.trim().split('\n').join('\n    '))
    for (const line of body) t.notOk(shown.includes(line))
    new Secret('correct-horse-battery')
    for (const before of ['', 'a', 'ab', 'abc', '{"password":"'])
      for (const encoding of ['base64', 'base64url'] as const) {
        const text = Buffer.from(`${before}correct-horse-battery"}`).toString(encoding)
        t.match(redact(text), '[redacted]', `${before} ${encoding}`)
        t.notMatch(Buffer.from(redact(text).replace('[redacted]', ''), encoding).toString(), 'horse')
      }
  },
)

t.test('the signature of a signed URL is taken out', async (t) => {
  t.equal(redact('http://s/k?X-Amz-Signature=0aF9&x=1'), 'http://s/k?X-Amz-Signature=[redacted]&x=1')
})
