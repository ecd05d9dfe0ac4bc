import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { Secret } from '../../lib/base/secret.ts'
import { connectGitHub } from '../../lib/clients/github.ts'
import { failure } from '../../lib/clients/github-refusal.ts'

const repo = { owner: 'you', name: 'a' }

/** GitHub, which refuses the first request in this way. */
async function refusing(t: Test, headers: Record<string, string>, message: string, status = 403) {
  const asked: string[] = []
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    asked.push(`${request.method} ${request.url}`)
    const [code, more, body] = asked.length === 1 ? [status, headers, { message }] : [201, {}, {}]
    response.writeHead(code, { 'content-type': 'application/json', ...more }).end(JSON.stringify(body))
  }
  const server = createServer(answer).listen(0, '127.0.0.1')
  t.teardown(() => server.close().closeAllConnections())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { asked, github: await connectGitHub(`http://127.0.0.1:${port}`, new Secret('t')) }
}

t.test(
  'what GitHub’s limit refused is asked again after the pause, also what may not be repeated in doubt',
  async (t) => {
    const { asked, github } = await refusing(
      t,
      { 'retry-after': '1' },
      'You have exceeded a secondary rate limit.',
    )
    const started = performance.now()
    await github.createRepository('a')
    t.equal(asked.length, 2)
    t.ok(performance.now() - started >= 1000)
  },
)

t.test('a 403 without a word of a limit is a missing permission, told at once', async (t) => {
  const { asked, github } = await refusing(t, {}, 'Resource not accessible by personal access token')
  await t.rejects(github.createRef(repo, 'heads/a', 'a'), { message: /403 Resource not/, cure: /permission/ })
  t.equal(asked.length, 1)
})

t.test('a limit is known by each of its three signs', async (t) => {
  const error = (headers: Record<string, string>, message = 'Forbidden') =>
    Object.assign(new Error(message), { status: 403, response: { headers } })
  t.same(failure(error({ 'retry-after': '7' })), { status: 429, retryAfter: 7 })
  t.same(failure(error({}, 'API rate limit exceeded for user')), { status: 429, retryAfter: 60 })
  const reset = Math.ceil(Date.now() / 1000) + 30
  const spent = failure(error({ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': `${reset}` }))
  t.equal(spent?.status, 429)
  t.ok(Math.abs((spent?.retryAfter ?? 0) - 30) < 3)
  t.same(failure(error({ 'x-ratelimit-remaining': '4999', 'x-ratelimit-reset': `${reset}` })), {
    status: 403,
  })
})
