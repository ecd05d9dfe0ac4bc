import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { z } from 'zod'
import { openTestBox } from '../../flows/box.ts'
import { ids, openShop } from '../../flows/shop.ts'

// A SIMULATED cluster brought back under difficulties: each test stands on what the one before left.

t.setTimeout(600_000) // many flows, on a machine that may be busy
const box = await openTestBox(t)
const shop = await openShop(box)
await shop.write()
await shop.backUp('first')
const before = await shop.content()

t.test(
  '--replace: the live cluster is off before the new one grows, and gone once that is proven',
  async (t) => {
    const [old] = ids((await box.cloud('GET', '/v2/droplets')).droplets)
    const orphan = { name: 'pvc-orphan', region: 'fra1', size_gigabytes: 5, tags: ['regrow:main'] }
    await box.cloud('POST', '/v2/volumes', orphan)
    const ended = await box.run('restore.mts', ['--backup', 'first', '--replace', '--json'])
    t.equal(ended.code, 0, ended.err)
    t.same(await shop.content(), before)
    const at = (what: RegExp) =>
      ended.requests.findIndex(
        (one) => one.service === 'digitalocean' && what.test(`${one.method} ${one.path}`),
      )
    const [off, grown, gone] = [
      at(new RegExp(`POST /v2/droplets/${old}/actions`)),
      at(/POST \/v2\/droplets$/),
      at(new RegExp(`DELETE /v2/droplets/${old}$`)),
    ]
    t.ok(off >= 0 && off < grown && grown < gone, `${off} ${grown} ${gone}`)
    t.equal(ids((await box.cloud('GET', '/v2/droplets')).droplets).length, 1)
    const names = z
      .array(z.object({ name: z.string() }))
      .parse((await box.cloud('GET', '/v2/volumes')).volumes)
    t.equal(names.length, 3, 'the volumes that came back, and the one that no backup holds')
    t.match(JSON.parse(ended.out).stays, [
      /^volume pvc-orphan of the earlier cluster, 5 GiB, \$0\.50 a month: .*doctl .*compute volume delete \S+ removes it$/,
    ])
    const keys = z
      .array(z.object({ name: z.string() }))
      .parse((await box.cloud('GET', '/v2/spaces/keys')).keys)
    t.same(
      keys.map((one) => one.name).filter((name) => name.includes('-velero-')),
      ['regrow-main-velero-2'],
      'no key of an earlier cluster opens the backups',
    )
  },
)

/** The object in the bucket that holds a volume of a namespace. */
function movedObject(namespace: string): string {
  const spaces = join(box.dir, '.sandbox', 'spaces')
  const bucket = readdirSync(spaces).find((name) => name.endsWith('-velero')) ?? ''
  const folder = join(spaces, bucket, 'kopia', namespace)
  const files = readdirSync(folder).filter((name) => name.endsWith('@'))
  const times = files.map((name) => [statSync(join(folder, name)).mtimeMs, join(folder, name)] as const)
  return times.toSorted(([a], [b]) => b - a)[0]?.[1] ?? ''
}

t.test(
  'an object altered in the bucket: the restore fails, names the volume, and starts no app',
  async (t) => {
    await shop.lose()
    const file = movedObject('shop')
    const whole = readFileSync(file)
    const altered = Buffer.from(whole)
    altered[altered.length - 9] = (altered.at(-9) ?? 0) ^ 1
    writeFileSync(file, altered)
    const failed = await shop.restore('--backup', 'first')
    t.equal(failed.code, 1)
    t.match(
      failed.err,
      /restore restore-main-3-3 ended PartiallyFailed: volume of claim shop\/files: Failed: /,
    )
    t.match(failed.err, 'No app was started')
    t.equal(await shop.kubectl('get applications.argoproj.io root -n argocd --ignore-not-found -o name'), '')

    const bootstrap = await box.run('bootstrap.mts')
    t.equal(bootstrap.code, 1)
    t.match(bootstrap.err, 'backup first is still being restored onto main-3')

    writeFileSync(file, whole)
    const ended = await shop.restore('--backup', 'first')
    t.equal(ended.code, 0, ended.err)
    t.match(ended.err, '- claim hello/hello  left by restore-main-3-3')
    t.same(await shop.content(), before, 'no claim was skipped')
  },
)

t.test(
  'killed anywhere, and with a restore of Velero’s that died: the same command finishes it',
  async (t) => {
    await shop.lose()
    const killedAt = async (what: RegExp) => {
      const death = new AbortController()
      const [ended] = await Promise.all([
        box.run('restore.mts', ['--backup', 'first'], { kill: death.signal }),
        box.once(
          (one) => what.test(`${one.service} ${one.method} ${one.path}`),
          async () => death.abort(),
        ),
      ])
      t.equal(ended.code, null, `killed at ${what}`)
    }
    await killedAt(/digitalocean POST \/v2\/droplets$/)
    await killedAt(/kubernetes PATCH .*\/backupstoragelocations\/default/)
    // Velero was restarted in the middle: its Restore is Failed, and left a claim that the next one would skip.
    const labels = { 'velero.io/restore-name': 'restore-main-4' }
    await shop.kubectl(
      'apply --server-side -f -',
      [
        { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } },
        {
          apiVersion: 'v1',
          kind: 'PersistentVolumeClaim',
          metadata: { name: 'files', namespace: 'shop', labels },
          spec: {
            accessModes: ['ReadWriteOnce'],
            storageClassName: 'do-block-storage',
            resources: { requests: { storage: '2Gi' } },
          },
        },
        {
          apiVersion: 'velero.io/v1',
          kind: 'Restore',
          metadata: { name: 'restore-main-4', namespace: 'velero' },
          spec: { backupName: 'first' },
          status: {
            phase: 'Failed',
            failureReason: 'found a restore with status "InProgress" during the server starting',
          },
        },
      ]
        .map((one) => JSON.stringify(one))
        .join('\n---\n'),
    )
    await killedAt(/kubernetes POST .*\/restores$/)
    const ended = await box.run('restore.mts', ['--backup', 'first', '--json'])
    t.equal(ended.code, 0, ended.err)
    t.same(JSON.parse(ended.out).missing, [])
    t.equal(JSON.parse(ended.out).server, 'main-4', 'no second server was bought')
    t.same(await shop.content(), before, 'no claim was skipped')
    t.equal(ids((await box.cloud('GET', '/v2/droplets')).droplets).length, 1)
    t.equal(ids((await box.cloud('GET', '/v2/volumes')).volumes).length, 2, 'no volume is left over')
  },
)

t.test(
  'where apps are at work nothing is restored or removed any more, whatever became of the Restore',
  async (t) => {
    await shop.write()
    const now = await shop.content()
    for (const name of (await shop.kubectl('get restores.velero.io -n velero -o name')).trim().split('\n'))
      await shop.kubectl(`delete ${name} -n velero`)
    const again = await box.run('restore.mts', ['--backup', 'first'])
    t.notMatch(again.err, /^- claim/m)
    t.same(await shop.content(), now)
  },
)

t.test(
  'a replacement that was killed when only removal was left is finished; given again on purpose, it replaces again',
  async (t) => {
    const droplets = async () => ids((await box.cloud('GET', '/v2/droplets')).droplets)
    const replace = ['--backup', 'first', '--replace', '--json']
    const [old] = await droplets()
    const death = new AbortController()
    const [killed] = await Promise.all([
      box.run('restore.mts', replace, { kill: death.signal }),
      box.once(
        (one) => one.method === 'DELETE' && one.path.startsWith(`/v2/droplets/${old}`),
        async () => death.abort(),
      ),
    ])
    t.equal(killed.code, null)
    const finished = await box.run('restore.mts', replace)
    t.equal(finished.code, 0, finished.err)
    t.match(finished.err, /= it was proven there at .*: nothing is restored again/)
    t.equal(JSON.parse(finished.out).server, 'main-5', 'the server that it was killed with')
    t.notOk(
      finished.requests.some((one) => one.method === 'POST' && one.path === '/v2/droplets'),
      'no droplet was bought for nothing',
    )
    t.same(await shop.content(), before)
    const [now, ...more] = await droplets()
    t.same(more, [])
    t.not(now, old)

    await shop.write()
    const again = await box.run('restore.mts', replace)
    t.equal(again.code, 0, again.err)
    t.equal(JSON.parse(again.out).server, 'main-6')
    t.same(await shop.content(), before, 'what happened since is undone')
    t.equal((await droplets()).length, 1)
  },
)
