import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createPlainServer } from 'node:net'
import t, { type Test } from 'tap'
import { download } from '../../lib/clients/download.ts'
import { steadyFetch } from '../../lib/clients/steady-fetch.ts'

const file = Buffer.alloc(100_000, 'whole ')

/** A server that answers each request in its own way, and the last way from then on. @returns its address, and when it was asked */
async function answering(t: Test, ...ways: ((response: ServerResponse) => unknown)[]) {
  const asked: number[] = []
  const server = createServer((_, response) => {
    const way = ways[asked.length] ?? ways.at(-1)
    asked.push(performance.now())
    way?.(response)
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close().closeAllConnections())
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`, asked }
}

const whole = (response: ServerResponse) => response.end(file)
const half = (response: ServerResponse) => {
  response.writeHead(200, { 'content-length': file.length })
  response.write(file.subarray(0, 50_000))
}

t.test('a connection that is closed at once is noticed at once, and tried again', async (t) => {
  let connections = 0
  const server = createPlainServer((socket) => {
    connections++
    socket.destroy()
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`
  const started = performance.now()
  await t.rejects(steadyFetch(url), { message: 'the server closed the connection without an answer' })
  t.ok(performance.now() - started < 1000, 'Node’s own fetch waits for its deadline here')
  t.equal(connections, 1)
  const dropping = await answering(t, (response) => response.destroy(), whole)
  t.same(await download(dropping.url), file)
  t.equal(dropping.asked.length, 2)
})

t.test('what stops after half is given up and fetched anew', async (t) => {
  const silent = await answering(t, half, whole)
  t.same(await download(silent.url, 0.2), file)
  const cut = await answering(
    t,
    (response) => {
      half(response)
      setTimeout(() => response.destroy(), 50)
    },
    whole,
  )
  t.same(await download(cut.url), file)
  const always = await answering(t, half)
  await t.rejects(steadyFetch(always.url, { silence: 0.2 }), { message: 'nothing came within 0.2 s' })
  const large = { method: 'POST', silence: 0.2, body: 'x'.repeat(10_000) }
  await t.rejects(steadyFetch(always.url, large), { message: 'nothing came within 0.4 s' }, 'time to send it')
})

t.test('a slow answer that keeps coming is no silence', async (t) => {
  const { url, asked } = await answering(t, (response) => {
    let sent = 0
    const timer = setInterval(() => {
      response.write('x')
      if (++sent === 8) {
        clearInterval(timer)
        response.end()
      }
    }, 100)
  })
  t.equal((await download(url, 0.4)).toString(), 'x'.repeat(8))
  t.equal(asked.length, 1)
})

t.test('a busy server is asked again after the pause that it names', async (t) => {
  const { url, asked } = await answering(
    t,
    (response) => response.writeHead(503, { 'retry-after': '1' }).end(),
    whole,
  )
  t.same(await download(url), file)
  t.equal(asked.length, 2)
  t.ok((asked[1] ?? 0) - (asked[0] ?? 0) >= 1000)
})

t.test('what is not there is told at once', async (t) => {
  const { url, asked } = await answering(t, (response) => response.writeHead(404).end())
  await t.rejects(download(url), { message: 'status 404', status: 404 })
  t.equal(asked.length, 1)
})

t.test('a redirect is followed, without the token where it leads to another host', async (t) => {
  const heard: (string | undefined)[] = []
  const away = await answering(t, (response) => {
    heard.push(response.req.headers.authorization)
    response.end(file)
  })
  const near = await answering(
    t,
    (response) => response.writeHead(302, { location: '/there' }).end(),
    (response) => {
      heard.push(response.req.headers.authorization)
      response.writeHead(302, { location: away.url }).end()
    },
  )
  const answer = await steadyFetch(near.url, { headers: { authorization: 'token ghp_x' } })
  t.same(Buffer.from(await answer.arrayBuffer()), file)
  t.same(heard, ['token ghp_x', undefined])
  const round = await answering(t, (response) => response.writeHead(302, { location: '/' }).end())
  await t.rejects(steadyFetch(round.url), { message: /redirects again and again/ })
})

t.test('what is sent arrives, and every kind of answer is read', async (t) => {
  const { url } = await answering(t, async (response) => {
    const parts: Buffer[] = []
    for await (const part of response.req) parts.push(part)
    response.writeHead(201, { 'x-method': response.req.method }).end(Buffer.concat(parts))
  })
  const answer = await steadyFetch(url, { method: 'POST', body: '{"name":"ü"}' })
  t.same([answer.status, answer.headers.get('x-method'), await answer.text()], [201, 'POST', '{"name":"ü"}'])
  const head = await steadyFetch(url, { method: 'HEAD' })
  t.same([head.status, await head.text()], [201, ''])
  const none = await answering(t, (response) => response.writeHead(204).end())
  t.equal((await steadyFetch(none.url)).status, 204)
  const odd = await answering(t, (response) => response.writeHead(999).end())
  await t.rejects(steadyFetch(odd.url), { message: /999|status/ })
})
