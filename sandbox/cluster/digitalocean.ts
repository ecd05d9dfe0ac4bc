import { setTimeout as sleep } from 'node:timers/promises'
import type { World } from '../world.ts'
import { Refusal } from './refusal.ts'
import { numberAt, type Tree, textAt, treeAt } from './tree.ts'

/** The simulated DigitalOcean as the CSI driver in a cluster talks to it: with the token that its pod was given. */
export interface CloudVolumes {
  call(method: string, path: string, body?: Tree): Promise<Tree>
  /** Starts a volume action and waits for its end. */
  act(volume: string, action: Tree): Promise<void>
}

/** @returns calls that throw a Refusal with DigitalOcean's own words, so that the control loop tries again */
export function cloudVolumes(world: World, token: string): CloudVolumes {
  const { host, port } = world.addresses.digitalocean
  const call = async (method: string, path: string, body?: Tree): Promise<Tree> => {
    const headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'user-agent': 'csi-digitalocean (paper)',
    }
    const sent = body ? { body: JSON.stringify(body) } : {}
    const response = await fetch(`http://${host}:${port}/v2/${path}`, { method, headers, ...sent }).catch(
      (cause) => {
        throw new Refusal(
          503,
          'ServiceUnavailable',
          `${method} /v2/${path}: ${cause instanceof Error ? cause.message : cause}`,
        )
      },
    )
    const text = await response.text()
    const answer = treeAt({ answer: text ? JSON.parse(text) : {} }, 'answer')
    if (response.ok) return answer
    throw new Refusal(
      response.status,
      'Internal',
      `${method} /v2/${path}: ${response.status} ${textAt(answer, 'message')}`,
    )
  }
  return {
    call,
    act: async (volume, action) => {
      const path = `volumes/${volume}/actions`
      let state = treeAt(await call('POST', path, action), 'action')
      while (state.status === 'in-progress') {
        // The driver looks once a second.
        await Promise.all([world.latency(1, 'pause'), sleep(10, undefined, { ref: false })])
        state = treeAt(await call('GET', `${path}/${numberAt(state, 0, 'id')}`), 'action')
      }
      if (state.status === 'errored')
        throw new Refusal(500, 'Internal', `${action.type} of volume ${volume} ended as errored`)
    },
  }
}
