import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { Storage } from '../../../sandbox/spaces/storage.ts'
import { type Alteration, alter, type Stored, stored } from '../../census/alterations.ts'
import { drawnBy, inOrder, seed } from '../../faults/share.ts'
import { openShop } from '../../flows/shop.ts'
import { lackingForCluster, openPartsBox } from './ground.ts'

// REAL: what test/real/cluster/on-parts.test.ts says, Velero with its data mover and the kopia in that among it. SIMULATED
// is the cloud. A proof of a restore believes of a volume what Velero says of it. So one object of kopia's repository is
// altered, drawn by the commit, and Velero must not call that restored unless every byte is what it was.

const ways: readonly Alteration[] = ['flipped', 'rotten', 'cut short', 'another', 'gone']

t.test(
  'a repository of which one object was altered',
  { skip: lackingForCluster(), timeout: 1_700_000 },
  async (t) => {
    const box = await openPartsBox()
    t.teardown(() => box.close())
    const shop = await openShop(box)
    await shop.write()
    await shop.backUp('kept')
    const home = join(box.dir, '.sandbox')
    const storage = new Storage(join(home, 'spaces'))
    const before = filesIn(await shop.volumeOf('shop', 'files'))
    t.ok(before.length > 0)

    /** Lets Velero bring the claim back into a namespace of another name. @returns how that ended, and its bytes */
    const bringBack = async (namespace: string) => {
      const spec = {
        ...{ backupName: 'kept', includedNamespaces: ['shop'], namespaceMapping: { shop: namespace } },
        ...{
          includedResources: ['namespaces', 'persistentvolumeclaims', 'persistentvolumes'],
          restorePVs: true,
        },
        itemOperationTimeout: '3m0s',
      }
      const restore = {
        apiVersion: 'velero.io/v1',
        kind: 'Restore',
        metadata: { name: namespace, namespace: 'velero' },
        spec,
      }
      await shop.kubectl('apply --server-side -f -', JSON.stringify(restore))
      for (const end = Date.now() + 300_000; Date.now() < end; await sleep(1000)) {
        const phase = await shop.kubectl(
          `get restores.velero.io ${namespace} -n velero -o jsonpath={.status.phase}`,
        )
        if (/^(Completed|PartiallyFailed|Failed|FailedValidation)$/.test(phase)) {
          const isThere = phase === 'Completed'
          return { phase, files: isThere ? filesIn(await shop.volumeOf(namespace, 'files')) : [] }
        }
      }
      return { phase: 'without an end', files: [] }
    }

    const whole = await bringBack('back')
    t.same(whole, { phase: 'Completed', files: before }, 'unaltered it comes back')

    const objects = stored(home).filter(({ key }) => key.startsWith('kopia/shop/'))
    const kinds = [...new Set(objects.map(kindOf))]
    t.ok(kinds.length >= 4, kinds.join(', '))
    let number = 0
    for (const kind of drawnBy(kinds, (kind) => kind, 4)) {
      const [object] = inOrder(
        objects.filter((one) => kindOf(one) === kind),
        ({ key }) => key,
      )
      const [how] = inOrder(ways, (one) => `${kind} ${one}`)
      if (!object || !how) continue
      const [bytes, meta] = [
        storage.bytes(object.bucket, object.key),
        storage.meta(object.bucket, object.key),
      ]
      if (!meta) throw new Error(`there is no ${object.key}`)
      alter(home, object, how, `${seed} ${kind}`)
      const { phase, files } = await bringBack(`back-${++number}`)
      t.same(phase === 'Completed' ? files : before, before, `${kind} ${how}: ${phase}`)
      storage.restore(object.bucket, object.key, bytes, meta)
    }
  },
)

/** What an object of a repository is for, by the beginning of its name. */
const kindOf = ({ key }: Stored) => /^kopia\/shop\/(kopia\.\w+|_log|[a-z]+)/.exec(key)?.[1] ?? key

/** Each file below a folder, with a digest of its bytes. */
const filesIn = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(folder, name)).isFile())
    .toSorted()
    .map(
      (name) =>
        `${name} ${createHash('sha256')
          .update(readFileSync(join(folder, name)))
          .digest('hex')}`,
    )
