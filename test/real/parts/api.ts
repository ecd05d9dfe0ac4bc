import type { KubeObject } from './kubectl.ts'

/** The Kubernetes API as the harness's own controllers use it: through `kubectl proxy`. */
export class Api {
  readonly #base: string

  constructor(base: string) {
    this.#base = base
  }

  /** @throws Error with the API's message; `undefined` for 404 */
  async call(method: string, path: string, body?: object, type = 'application/json'): Promise<unknown> {
    const sent = body ? { body: JSON.stringify(body), headers: { 'content-type': type } } : {}
    const answer = await fetch(`${this.#base}${path}`, { method, ...sent })
    if (answer.status === 404) return undefined
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 500)}`)
    return JSON.parse(text)
  }

  async list(path: string): Promise<KubeObject[]> {
    return ((await this.call('GET', path)) as { items: KubeObject[] } | undefined)?.items ?? []
  }

  async find(path: string): Promise<KubeObject | undefined> {
    return (await this.call('GET', path)) as KubeObject | undefined
  }

  /** Server-side apply, as the harness; `sub` such as `/status`. */
  apply(path: string, object: object): Promise<unknown> {
    return this.call('PATCH', `${path}?fieldManager=parts&force=true`, object, 'application/apply-patch+yaml')
  }
}
