import { inspect } from 'node:util'
import t from 'tap'
import { redact, Secret } from '../../lib/secret.ts'

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

t.test('the signature of a signed URL is taken out', async (t) => {
  t.equal(redact('http://s/k?X-Amz-Signature=0aF9&x=1'), 'http://s/k?X-Amz-Signature=[redacted]&x=1')
})
