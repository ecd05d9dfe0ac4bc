import { setTimeout as sleep } from 'node:timers/promises'
import { Failed } from './call.ts'

/** A JSON object from the API, passed on as it came. */
export type Json = Record<string, unknown>

/** The DigitalOcean API as doctl calls it: same requests, same repetitions, same error texts. */
export interface Api {
  get(path: string): Promise<Json>
  post(path: string, body: Json): Promise<Json>
  put(path: string, body: Json): Promise<Json>
  delete(path: string, body?: Json): Promise<Json>
  /** All pages of a list, 200 to a page. */
  list(path: string): Promise<Json[]>
}

/** How doctl was told to reach the API. */
export interface Access {
  url: string
  token: string
  /** How often a 429, a 5xx or a lost connection is repeated; also for requests that create something. */
  retries: number
  signal: AbortSignal
}

/** @throws Failed with doctl's own text for an answer other than 2xx */
export function openApi(access: Access): Api {
  const call = async (method: string, path: string, body?: Json): Promise<Json> => {
    const url = `${access.url.replace(/\/$/, '')}/v2${path}`
    for (let attempt = 0; ; attempt++) {
      const response = await once(access, method, url, body)
      const retry = typeof response === 'string' || response.status === 429 || response.status >= 500
      if (retry && attempt < access.retries && !access.signal.aborted) {
        await sleep(Math.min(30, 2 ** attempt) * 1000)
        continue
      }
      const given = attempt > 0 ? `; giving up after ${attempt + 1} attempt(s)` : ''
      if (typeof response === 'string') throw new Failed(`${title(method)} "${url}": ${response}`)
      if (response.ok) return response.status === 204 ? {} : ((await response.json()) as Json)
      throw new Failed(`${method} ${url}: ${response.status} ${await reason(response)}${given}`)
    }
  }
  return {
    get: (path) => call('GET', path),
    post: (path, body) => call('POST', path, body),
    put: (path, body) => call('PUT', path, body),
    delete: (path, body) => call('DELETE', path, body),
    list: async (path) => {
      const all: Json[] = []
      for (let page = 1; ; page++) {
        const answer = await call('GET', `${path}${path.includes('?') ? '&' : '?'}page=${page}&per_page=200`)
        const { links, ...lists } = answer as { links?: { pages?: { next?: string } } }
        all.push(...(Object.values(lists).find(Array.isArray) ?? []))
        if (!links?.pages?.next) return all
      }
    },
  }
}

/** @returns the response, or what became of the connection */
async function once(access: Access, method: string, url: string, body?: Json): Promise<Response | string> {
  const headers = {
    authorization: `Bearer ${access.token}`,
    'user-agent': 'doctl/stand-in',
    ...(body ? { 'content-type': 'application/json' } : {}),
  }
  const request = { method, headers, signal: access.signal, ...(body ? { body: JSON.stringify(body) } : {}) }
  try {
    return await fetch(url, request)
  } catch (error) {
    const { cause } = error as { cause?: { code?: string; message?: string } }
    return cause?.code === 'ECONNREFUSED' ? 'connect: connection refused' : (cause?.message ?? String(error))
  }
}

async function reason(response: Response): Promise<string> {
  const text = await response.text()
  const header = response.headers.get('x-request-id') ?? ''
  try {
    const { message = '', request_id = header } = JSON.parse(text) as {
      message?: string
      request_id?: string
    }
    return request_id ? `(request "${request_id}") ${message}` : message
  } catch {
    return header ? `(request "${header}") ${text}` : text
  }
}

const title = (method: string) => method.charAt(0) + method.slice(1).toLowerCase()
