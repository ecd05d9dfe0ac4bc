import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { Api } from './api.ts'
import type { Bytes, Cloud } from './evidence.ts'
import { cloud } from './person.ts'
import { at, Dump, idOf, type Listed, type Thing, textAt } from './things.ts'

/** What is billed in the account, as DigitalOcean lists it. */
export async function cloudOf(env: Record<string, string>): Promise<Cloud> {
  const id = z.union([z.string(), z.number()]).transform(String)
  const one = z.object({
    id,
    name: z.string(),
    tags: z
      .array(z.string())
      .nullish()
      .transform((tags) => tags ?? []),
  })
  const list = (path: string) => cloud(env, 'GET', path)
  return {
    droplets: z.array(one).parse((await list('droplets?per_page=200')).droplets),
    volumes: z.array(one).parse((await list('volumes?per_page=200')).volumes),
    snapshots: z.array(one).parse((await list('snapshots?resource_type=volume&per_page=200')).snapshots),
  }
}

/** The folder of each claim's volume, where it has one of the driver. */
function foldersOf(home: string, dump: readonly Listed[]): [claim: string, folder: string][] {
  const all = new Dump(dump)
  return all.of('persistentvolumeclaims').flatMap((claim): [string, string][] => {
    const volume = all.find('persistentvolumes', textAt(claim, 'spec', 'volumeName'))
    const handle = textAt(volume, 'spec', 'csi', 'volumeHandle')
    return handle ? [[idOf(claim), join(home, 'volumes', handle)]] : []
  })
}

/** A digest of every file in every claim's volume. */
export function bytesOf(home: string, dump: readonly Listed[]): Bytes {
  return Object.fromEntries(
    foldersOf(home, dump)
      .filter(([, folder]) => existsSync(folder))
      .map(([claim, folder]) => [
        claim,
        Object.fromEntries(
          readdirSync(folder, { recursive: true, encoding: 'utf8' })
            .filter((name) => statSync(join(folder, name)).isFile())
            .map((name) => [
              name,
              createHash('sha256')
                .update(readFileSync(join(folder, name)))
                .digest('hex'),
            ]),
        ),
      ]),
  )
}

/** Writes files into volumes, as a program in the cluster does. @throws Error for a claim without a volume */
export function writeBytes(
  home: string,
  dump: readonly Listed[],
  bytes: Readonly<Record<string, Record<string, string>>>,
): void {
  const folders = new Map(foldersOf(home, dump))
  for (const [claim, files] of Object.entries(bytes))
    for (const [name, text] of Object.entries(files)) {
      const folder = folders.get(claim)
      if (!folder) throw new Error(`claim ${claim} has no volume`)
      mkdirSync(dirname(join(folder, name)), { recursive: true })
      writeFileSync(join(folder, name), text)
    }
}

/** How long a ground takes: nothing changes for the first before it counts as at rest, and it is waited for at most the second. */
export interface Pace {
  /** Milliseconds. */
  quiet: number
  /** Milliseconds. */
  patience: number
}

/** Paper does at once what it does. */
const onPaper: Pace = { quiet: 300, patience: 20_000 }

/**
 * Every object, once nothing changes any more: what is noted all the time (leases, how nodes and Applications are) does not
 * count. As it is after the patience, where it never rests.
 */
export async function settled(api: Api, { quiet, patience }: Pace = onPaper): Promise<Listed[]> {
  const end = performance.now() + patience
  let last = ''
  let since = performance.now()
  for (;;) {
    const dump = await api.dump()
    const now = dump
      .filter(({ resource }) => !/^(events|leases|backuprepositories)/.test(resource))
      .map(({ resource, thing }) => `${resource} ${idOf(thing)} ${stateOf(thing)}`)
      .join('\n')
    if (now !== last || dump.some(isUnderWay)) since = performance.now()
    if (performance.now() - since >= quiet || performance.now() > end) return dump
    last = now
    await sleep(quiet / 2)
  }
}

/** Whose status is written again and again. */
const restless = /^(Node|Application|BackupStorageLocation|Schedule)$/

const stateOf = ({ kind, metadata: { uid, labels }, metadata, spec }: Thing) =>
  restless.test(kind) ? JSON.stringify([uid, labels, spec]) : `${uid} ${at(metadata, 'resourceVersion')}`

/** A claim that a driver is about to fill, or an Application in the middle of a sync. */
function isUnderWay({ thing: { kind, status } }: Listed): boolean {
  if (kind === 'Application') return at(status, 'operationState', 'phase') === 'Running'
  return kind === 'PersistentVolumeClaim' && textAt(status, 'phase') === 'Pending'
}
