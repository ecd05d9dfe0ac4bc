import { type RequestOptions, request } from 'node:https'
import { load } from 'js-yaml'
import { z } from 'zod'

/** Who asks, and where. */
export interface Caller {
  host: string
  port?: number
  /** Name that the server's certificate must have. */
  serverName?: string
  /** Without it the server's certificate is not looked at. */
  ca?: string
  cert?: string
  key?: string
  /** `user:password`, as k3s' supervisor takes its tokens. */
  password?: string
  /** Bearer token. */
  token?: string
}

export interface Answer {
  status: number
  text: string
  warnings: string[]
}

const kubeconfigSchema = z.object({
  clusters: z.tuple([
    z.object({
      cluster: z.object({
        server: z.url(),
        'tls-server-name': z.string(),
        'certificate-authority-data': z.base64(),
      }),
    }),
  ]),
  users: z.tuple([
    z.object({
      user: z.object({ 'client-certificate-data': z.base64(), 'client-key-data': z.base64() }),
    }),
  ]),
})

/** Reads a kubeconfig as kubectl does. */
export function callerOf(kubeconfig: string): Caller {
  const { clusters, users } = kubeconfigSchema.parse(load(kubeconfig))
  const [{ cluster }] = clusters
  const [{ user }] = users
  const text = (base64: string) => Buffer.from(base64, 'base64').toString()
  const { hostname, port } = new URL(cluster.server)
  return {
    host: hostname,
    port: Number(port),
    serverName: cluster['tls-server-name'],
    ca: text(cluster['certificate-authority-data']),
    cert: text(user['client-certificate-data']),
    key: text(user['client-key-data']),
  }
}

/** Asks once. @throws Error where nothing answers within ten seconds or the certificate is another's */
export function ask(
  who: Caller,
  path: string,
  {
    method = 'GET',
    body,
    type = 'application/json',
  }: { method?: string; body?: unknown; type?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { ...options(who), method, path, headers: { ...headers(who), 'content-type': type }, timeout: 10_000 },
      (response) => {
        let text = ''
        response.on('data', (chunk) => (text += chunk))
        response.once('error', reject)
        response.once('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            text,
            warnings: [response.headers.warning ?? []].flat(),
          }),
        )
      },
    )
    asked.once('timeout', () => asked.destroy(new Error('no answer within ten seconds')))
    asked.once('error', reject).end(body === undefined ? undefined : JSON.stringify(body))
  })
}

/** Holds a watch open. `text` grows; `ended` says why it is over. */
export function watch(
  who: Caller,
  path: string,
): { text(): string; status(): number; ended(): boolean; end(): void } {
  let [text, status, over] = ['', 0, false]
  const asked = request({ ...options(who), path, headers: headers(who) }, (response) => {
    status = response.statusCode ?? 0
    response.on('data', (chunk) => (text += chunk))
    response.once('close', () => (over = true))
    response.once('error', () => (over = true))
  })
  asked.once('error', () => (over = true)).end()
  return { text: () => text, status: () => status, ended: () => over, end: () => void asked.destroy() }
}

function options({ host, port = 6443, serverName, ca, cert, key }: Caller): RequestOptions {
  return {
    host,
    port,
    agent: false,
    ...(serverName ? { servername: serverName } : {}),
    ...(ca ? { ca } : { rejectUnauthorized: false }),
    ...(cert ? { cert } : {}),
    ...(key ? { key } : {}),
  }
}

function headers({ password, token }: Caller): Record<string, string> {
  if (password) return { authorization: `Basic ${Buffer.from(password).toString('base64')}` }
  return token ? { authorization: `Bearer ${token}` } : {}
}
