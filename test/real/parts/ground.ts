import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openBox } from '../../../sandbox/box.ts'
import type { World } from '../../../sandbox/world.ts'
import { runIn, speak } from '../../flows/box.ts'
import type { Surroundings } from '../../flows/shop.ts'
import type { PartsCluster } from './cluster.ts'
import { kindParts } from './kinds.ts'
import { type Fleet, partsFleet } from './machines.ts'
import { type Mirror, startMirror } from './mirror.ts'
import { lacking, missingPrograms } from './parts.ts'

/** The box with real parts in the paper cluster's place. */
export interface PartsBox extends Surroundings {
  world: World
  /** @throws Error when no droplet has started its k3s yet */
  cluster(): PartsCluster
  close(): Promise<void>
}

/** Why a cluster of real parts cannot be opened here, naming what is not there; false when it can. */
export const lackingForCluster = (): string | false =>
  lacking(
    ...kindParts,
    ...(['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kwok'] as const),
    ...(['argocd', 'kustomize', 'velero-plugin-for-aws'] as const),
  ) || missingPrograms('bwrap', 'socat', 'redis-server', 'setpriv', 'curl', 'python3')

/** Opens a world in a new folder; `close` ends every program and removes the folder. */
export async function openPartsBox(): Promise<PartsBox> {
  const dir = mkdtempSync(join(tmpdir(), 'regrow-parts-'))
  let world: World | undefined
  let fleet: Fleet | undefined
  let mirror: Mirror | undefined
  const box = await openBox({
    dir: join(dir, '.sandbox'),
    latencyScale: 0,
    faults: [],
    machines: (its) => {
      world = its
      fleet = partsFleet(its, () => mirror ?? missing('mirror'))
      return fleet.machines
    },
  })
  mirror = await startMirror(world ?? missing('world'))
  const env = { ...box.env, REGROW_UPSTREAM_URL: mirror.url }
  return {
    dir,
    env,
    world: world ?? missing('world'),
    run: (command, words = [], how = {}) =>
      runIn(dir, command, words, { ...how, env: { ...env, ...how.env } }),
    cloud: (method, path, body) =>
      speak(box.env.REGROW_DIGITALOCEAN_URL, box.env.DIGITALOCEAN_TOKEN, method, path, body),
    withdraw: () => mirror?.withdraw(),
    cluster: () => fleet?.cluster() ?? missing('cluster'),
    close: async () => {
      await box.leave()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

function missing(what: string): never {
  throw new Error(`there is no ${what} yet`)
}
