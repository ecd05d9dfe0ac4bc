import t from 'tap'
import { missingScope, refusalIn } from '../../lib/clients/digitalocean-refusal.ts'
import { ToolFailure } from '../../lib/clients/tools.ts'

const said = (status: number, words: string, request = 'DELETE https://api.digitalocean.com/v2/vpcs/a') =>
  `{"errors":[{"detail":"${request}: ${status} (request \\"a-b\\") ${words}"}]}`

t.test('a scope is missing only where DigitalOcean says so', async (t) => {
  for (const words of [
    'You are not authorized to perform this operation',
    'You do not have access for the attempted action.',
  ])
    t.equal(missingScope(said(403, words)), 'vpc:delete', words)
  for (const words of [
    'Can not delete VPC with members',
    'Droplet limit exceeded',
    'bucket not found',
    'volume/snapshot capacity limit exceeded',
    '',
  ])
    t.equal(missingScope(said(403, words)), undefined, words)
  t.equal(missingScope(said(422, 'You are not authorized to perform this operation')), undefined)
})

t.test('what DigitalOcean refused is known from what doctl says of it', async (t) => {
  t.same(refusalIn(said(429, 'API rate limit exceeded.', 'POST https://a.example/v2/droplets?x=1')), {
    method: 'POST',
    path: '/v2/droplets',
    status: 429,
    message: 'API rate limit exceeded.',
  })
  t.same(
    refusalIn('Error: POST https://api.digitalocean.com/v2/tags: 404 not found\nmore')?.message,
    'not found',
  )
  t.equal(refusalIn('Post "https://a/v2/droplets": context deadline exceeded'), undefined)
})

t.test('only an answer below 500 says that nothing was done', async (t) => {
  const isRefusal = (text: string) => new ToolFailure('doctl', 1, text).isRefusal
  for (const status of [400, 403, 404, 409, 422, 429])
    t.equal(isRefusal(said(status, 'no')), true, `${status}`)
  for (const status of [408, 500, 502, 503]) t.equal(isRefusal(said(status, 'no')), false, `${status}`)
  t.equal(isRefusal('Post "https://a/v2/droplets": EOF'), false)
})
