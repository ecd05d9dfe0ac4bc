import type { Context, Hono } from 'hono'
import type { World } from '../world.ts'
import { behaviourOf, takeError } from './behaviour.ts'
import { need, page } from './reply.ts'
import { type About, type Action, type Born, now, type State } from './state.ts'

/** How a kind of thing is shown. */
interface Shown<T> {
  /** Its names in an answer: one, and a list. */
  names: [one: string, list: string]
  all(): T[]
  /** What a path may call it. */
  keys(thing: T): (string | number | null)[]
  view(thing: T): unknown
  /** Takes it away, or refuses; without it there is no DELETE. */
  remove?(thing: T): Promise<void> | void
  /** Whether a list with these filters has it. */
  fits?(thing: T, query: Record<string, string>): boolean
}

type Effect = (about: About) => Promise<void> | void

/** What the routes of every subject share: the state and its saving, lists and single things, actions that take time. */
export class Cloud {
  readonly world: World
  readonly state: State
  readonly app: Hono
  readonly #effects = new Map<string, { seconds: number; effect: Effect }>()
  readonly #gone: { list: Born[]; thing: Born; at: number }[] = []
  /** Networks that droplets are just leaving: they count as members for some minutes more. */
  readonly leaving: string[] = []
  #ended = false
  #saving: NodeJS.Timeout | undefined

  constructor(world: World, state: State, app: Hono) {
    this.world = world
    this.state = state
    this.app = app
    world.atEnd(() => {
      this.#ended = true
      if (this.#saving) this.#write()
    })
  }

  /** At once; a large account would do nothing but save, so it is saved some times a second. */
  save(): void {
    if (this.state.volumes.length < 100) this.#write()
    else this.#saving ??= setTimeout(() => this.#write(), 200).unref()
  }

  #write(): void {
    clearTimeout(this.#saving)
    this.#saving = undefined
    this.world.save('digitalocean', this.state)
  }

  nextId(): number {
    return this.state.nextId++
  }

  /** Serves the list, the single thing and its removal. @returns a finder by key that throws 404 while the thing is not to be seen */
  show<T extends Born>(path: string, shown: Shown<T>): (key: string | undefined) => T {
    const [one, list] = shown.names
    const find = (key: string | undefined) => {
      const found = need(
        shown.all().find((each) =>
          shown
            .keys(each)
            .map(String)
            .includes(key ?? ''),
        ),
      )
      return need(Date.now() - found.born < behaviourOf(this.world).hiddenMs ? undefined : found)
    }
    this.app.get(path, (c) => {
      const query = c.req.query()
      const all = this.listed(shown.all()).filter((each) => shown.fits?.(each, query) ?? true)
      return page(c, list, all.map(shown.view))
    })
    this.app.get(`${path}/:key`, (c) => c.json({ [one]: shown.view(find(c.req.param('key'))) }))
    const { remove } = shown
    if (remove)
      this.app.delete(`${path}/:key`, async (c) => {
        await remove(find(c.req.param('key')))
        return this.done(c)
      })
    return find
  }

  /** A list as it is told: what is new may lack and what is gone may linger. */
  listed<T extends Born>(all: T[]): T[] {
    const since = Date.now() - behaviourOf(this.world).listLagMs
    const lingering = this.#gone.filter((one) => one.list === all && one.at > since)
    return [...all.filter((one) => one.born <= since), ...lingering.map((one) => one.thing as T)]
  }

  /** Takes a thing out of its list. */
  drop<T extends Born>(list: T[], thing: T): void {
    list.splice(list.indexOf(thing), 1)
    this.#gone.push({ list, thing, at: Date.now() })
    this.save()
  }

  /** Does something later, unless the world has ended by then. */
  later(seconds: number, work: () => Promise<void> | void): void {
    const wait = async () => {
      await this.world.latency(seconds)
      if (this.#ended) return
      await work()
      this.save()
    }
    wait().catch((error: Error) => process.stderr.write(`! simulated DigitalOcean: ${error.stack}\n`))
  }

  /** Says what actions of a type do in the end, and how long DigitalOcean takes for them (seconds). */
  effect(kind: Action['kind'], types: string, seconds: number, effect: Effect): void {
    for (const type of types.split(' ')) this.#effects.set(`${kind} ${type}`, { seconds, effect })
  }

  /** Whether an action of this type is known. */
  knows(kind: Action['kind'], type: string): boolean {
    return this.#effects.has(`${kind} ${type}`)
  }

  /** Starts an action. */
  begin(kind: Action['kind'], type: string, region: string, about: About): Action {
    const action: Action = {
      id: this.nextId(),
      kind,
      type,
      status: 'in-progress',
      started_at: now(),
      completed_at: null,
      region,
      born: Date.now(),
      about,
    }
    this.state.actions.push(action)
    this.save()
    this.finish(action)
    return action
  }

  /** Brings an action to its end when its time has come; also one that a former wrapper had begun. */
  finish(action: Action): void {
    const known = this.#effects.get(`${action.kind} ${action.type}`)
    this.later(known?.seconds ?? 0, async () => {
      const fails = takeError(this.world, action.type)
      if (!fails) await known?.effect(action.about)
      Object.assign(action, {
        status: fails ? 'errored' : 'completed',
        completed_at: now(),
        ended: Date.now(),
      })
    })
  }

  /** Whether an event of this droplet's is pending. */
  busy(droplet: number): boolean {
    return this.state.actions.some((one) => one.about.droplet === droplet && one.status === 'in-progress')
  }

  /** A tag comes into being with its first use on a thing. */
  learnTags(tags: string[]): void {
    for (const name of tags)
      if (!this.state.tags.some((one) => one.name === name)) this.state.tags.push({ name, born: Date.now() })
  }

  /** Puts a thing into a project (the default one when none is named), out of every other. */
  assign(urn: string, projectId?: string): void {
    const project = this.state.projects.find((one) => (projectId ? one.id === projectId : one.is_default))
    this.unassign(urn)
    need(project).resources.push({ urn, assigned_at: now() })
  }

  unassign(urn: string): void {
    for (const project of this.state.projects)
      project.resources = project.resources.filter((one) => one.urn !== urn)
  }

  /** Saves what was changed, and answers: 204 when there is nothing to tell. */
  done(c: Context, body?: object, status: 200 | 201 | 202 = 200): Response {
    this.save()
    return body ? c.json(body, status) : c.body(null, 204)
  }
}
