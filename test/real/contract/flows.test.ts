import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { openBox } from '../../../sandbox/box.ts'
import { confirmed, runIn } from '../../flows/box.ts'
import { type Description, openDescription } from './description.ts'
import { againstDescription, known, serious } from './known.ts'

// Every request that the flows and their doctl send, and what the SIMULATED DigitalOcean answers, held against
// DigitalOcean's own API description. A proxy before the simulation listens.

againstDescription('what flows and their doctl send', async (t, file) => {
  const description = openDescription(file)
  const dir = mkdtempSync(join(tmpdir(), 'regrow-contract-'))
  const box = await openBox({ dir: join(dir, '.sandbox'), latencyScale: 0, faults: [] })
  const heard: string[] = []
  const seen = new Set<string>()
  const proxy = await listen(box.env.REGROW_DIGITALOCEAN_URL ?? '', description, heard, seen)
  t.teardown(async () => {
    proxy.close()
    await box.leave()
    rmSync(dir, { recursive: true, force: true })
  })
  const env = { ...box.env, REGROW_DIGITALOCEAN_URL: proxy.url }
  for (const flow of [
    ['bootstrap.mts'],
    ['bootstrap.mts'],
    ['scripts/status.mts'],
    ['scripts/kubeconfig.mts'],
    ['scripts/backup.mts'],
    ['scale.mts', '--add', '1'],
    ['scale.mts', '--size', 's-2vcpu-2gb'],
    ['scale.mts', '--remove', 'main-2'],
    ['restore.mts', '--backup', 'latest', '--replace'],
    ['scripts/destroy.mts', '--name', 'main', '--yes', '--with-backups', ...confirmed()],
  ] as const) {
    const [script, ...words] = flow
    const { code, err } = await runIn(dir, script, words, { env })
    t.equal(code, 0, `${flow.join(' ')}${code === 0 ? '' : `\n${err}`}`)
  }
  t.same([...new Set(heard)], [], 'every request and answer is as described')
  t.ok(seen.size > 20, `${seen.size} kinds of answers: ${[...seen].sort().join(', ')}`)
})

/** A proxy that judges what goes through it. */
async function listen(target: string, description: Description, heard: string[], seen: Set<string>) {
  const server = createServer((request, response) => {
    void pass(request).then(({ status, headers, bytes }) => {
      response.writeHead(status, Object.fromEntries(headers)).end(bytes)
    })
  })
  const pass = async (request: IncomingMessage) => {
    const { method = '', url = '', headers } = request
    const sent = await text(request)
    const answer = await fetch(target + url, {
      method,
      headers: { authorization: String(headers.authorization), 'content-type': 'application/json' },
      ...(sent ? { body: sent } : {}),
    })
    const bytes = Buffer.from(await answer.arrayBuffer())
    const operation = description.operationOf(method, url.split('?')[0] ?? '')
    const body = bytes.length > 0 ? JSON.parse(bytes.toString()) : undefined
    const complaints = operation
      ? [
          ...serious(description.judgeRequest(operation, sent ? JSON.parse(sent) : undefined)),
          ...description.judgeAnswer(
            operation,
            { status: answer.status, headers: answer.headers, body },
            known,
          ),
        ]
      : ['not described']
    seen.add(`${operation} ${answer.status}`)
    heard.push(...complaints.map((one) => `${method} ${operation ?? url} ${answer.status}: ${one}`))
    const kept = [...answer.headers].filter(
      ([name]) => !/^(connection|transfer-encoding|content-length)$/.test(name),
    )
    return { status: answer.status, headers: kept, bytes }
  }
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() }
}
