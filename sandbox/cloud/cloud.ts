import { randomUUID } from 'node:crypto'
import type { Hono } from 'hono'
import type { World } from '../world.ts'
import { type Action, now, type State } from './state.ts'

/** What the routes of every subject share: the state, its saving, actions that take their time. */
export class Cloud {
  readonly world: World
  readonly state: State
  readonly app: Hono

  constructor(world: World, state: State, app: Hono) {
    this.world = world
    this.state = state
    this.app = app
  }

  save(): void {
    this.world.save('digitalocean', this.state)
  }

  id(): number {
    return this.state.nextId++
  }

  uuid(): string {
    return randomUUID()
  }

  /** Starts an action; after the seconds that DigitalOcean takes, `then` has its effect and the action is completed. */
  begin(
    type: string,
    resource: { id: number; kind: string; region: string },
    seconds: number,
    then: () => Promise<void> | void,
  ): Action {
    const action: Action = {
      id: this.id(),
      status: 'in-progress',
      type,
      started_at: now(),
      completed_at: null,
      resource_id: resource.id,
      resource_type: resource.kind,
      region: resource.region,
    }
    this.state.actions.push(action)
    this.save()
    void this.finish(action, seconds, then)
    return action
  }

  async finish(action: Action, seconds: number, then: () => Promise<void> | void): Promise<void> {
    await this.world.latency(seconds)
    await then()
    action.status = 'completed'
    action.completed_at = now()
    this.save()
  }

  /** Whether an action of this droplet is under way. */
  busy(dropletId: number): boolean {
    return this.state.actions.some(
      (one) =>
        one.resource_type === 'droplet' && one.resource_id === dropletId && one.status === 'in-progress',
    )
  }

  /** Puts a resource into a project (the default one when none is named), out of every other. */
  assign(urn: string, projectId?: string): void {
    for (const project of this.state.projects)
      project.resources = project.resources.filter((one) => one !== urn)
    const wanted =
      this.state.projects.find((one) => one.id === projectId) ??
      this.state.projects.find((one) => one.is_default)
    wanted?.resources.push(urn)
    if (wanted && urn.startsWith('do:floatingip:')) {
      const address = this.state.reservedIps.find((one) => urn.endsWith(`:${one.ip}`))
      if (address) address.project_id = wanted.id
    }
  }

  forget(urn: string): void {
    for (const project of this.state.projects)
      project.resources = project.resources.filter((one) => one !== urn)
  }

  /** A new tag comes into being with its first use on a resource. */
  learnTags(tags: string[]): void {
    for (const tag of tags) if (!this.state.tags.includes(tag)) this.state.tags.push(tag)
  }
}

/** An action as the API shows it. */
export const actionView = (one: Action) => ({ ...one, region_slug: one.region, region: null })
