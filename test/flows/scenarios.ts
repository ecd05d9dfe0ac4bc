import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { load } from 'js-yaml'
import type { Test } from 'tap'
import { z } from 'zod'
import { commit, committed } from '../census/repository.ts'
import type { Shop, Surroundings } from './shop.ts'

/** Something that happens to a cluster, and what must come of it, whatever the cluster is made of. */
type Scenario = (t: Test, box: Surroundings, shop: Shop) => Promise<void>

/** One suite for paper (test/real/flows) and for real parts (test/real/cluster), in this order: each stands on the last. */
const scenarios: Record<string, Scenario> = {
  'the second bootstrap changes nothing': async (t, box, shop) => {
    const kinds = 'deployments.apps,statefulsets.apps,daemonsets.apps,services,ingresses.networking.k8s.io'
    const generations = async () =>
      objects
        .parse(JSON.parse(await shop.kubectl(`get ${kinds} -A -o json`)))
        .items.map(({ metadata }) => `${metadata.namespace}/${metadata.name} ${metadata.generation}`)
    const before = await generations()
    const again = await box.run('bootstrap.mts')
    t.equal(again.code, 0, again.err)
    t.notMatch(again.err, /^[+~-] /m)
    t.same(await generations(), before)
  },

  'a commit that Argo CD refuses stands in the way of nothing: its cure is taken, or its sync ended by hand':
    async (t, box, shop) => {
      const file = 'clusters/main/apps/blog/words.yaml'
      const words = (namespace: string) => [
        { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'words', namespace } },
      ]
      const { push, status, endSync } = apps(box, shop)
      const operation = async () => (await status()).operationState
      const refused = (namespace: string) =>
        until(async () => {
          const { message, retryCount } = await operation()
          return retryCount > 0 && message.includes(`namespaces "${namespace}" not found`)
        })
      await push({ [file]: words('blog') })
      t.ok(await refused('blog'))
      const blog = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'blog' } }
      await push({ 'clusters/main/apps/blog/namespace.yaml': [blog] })
      t.ok(await until(async () => (await operation()).phase === 'Succeeded'))
      t.equal((await shop.kubectl('get configmap words -n blog -o name')).trim(), 'configmap/words')

      await push({ [file]: words('nowhere') })
      t.ok(await refused('nowhere'))
      await endSync()
      t.ok(await until(async () => (await operation()).phase === 'Failed'), 'as the repository’s README says')
      await push({ [file]: undefined })
      t.ok(await until(async () => (await status()).sync.status === 'Synced'))
    },

  'data does not leave with its file: Argo CD says so, and goes on after the command that it names': async (
    t,
    box,
    shop,
  ) => {
    const folder = 'clusters/main/apps/stays'
    const thing = (kind: string, name: string, more: object = {}, option = '') => ({
      apiVersion: 'v1',
      kind,
      metadata: {
        name,
        ...(kind === 'Namespace' ? {} : { namespace: 'stays' }),
        ...(option ? { annotations: { 'argocd.argoproj.io/sync-options': option } } : {}),
      },
      ...more,
    })
    const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } }
    const { push, status, endSync } = apps(box, shop)
    const has = async (what: string) => {
      const words = `get ${what} -n stays --ignore-not-found -o name`
      return (await shop.kubectl(words)).trim() !== ''
    }
    await push({
      [`${folder}/namespace.yaml`]: [thing('Namespace', 'stays')],
      [`${folder}/claim.yaml`]: [thing('PersistentVolumeClaim', 'ledger', { spec })],
      [`${folder}/old.yaml`]: [thing('ConfigMap', 'old')],
    })
    t.ok(await until(() => has('pvc/ledger')))
    await push({
      [`${folder}/namespace.yaml`]: undefined,
      [`${folder}/claim.yaml`]: undefined,
      [`${folder}/old.yaml`]: undefined,
      [`${folder}/new.yaml`]: [thing('ConfigMap', 'new')],
    })
    t.ok(await until(async () => /regrow-keeps-data/.test((await status()).operationState.message)))
    const { message } = (await status()).operationState
    for (const what of ['namespaces "stays"', 'persistentvolumeclaims "ledger"'])
      t.match(message, `${what} is forbidden: ValidatingAdmissionPolicy 'regrow-keeps-data'`)
    t.notOk(await has('configmap/new'), 'what is new waits')
    t.notOk(await has('configmap/old'), 'what holds no data leaves with its file')
    t.ok(await has('pvc/ledger'))
    await shop.kubectl('delete pvc ledger -n stays')
    // Or its next retry, up to three minutes away, would be what takes the next commit.
    await endSync()
    t.ok(await until(async () => (await status()).operationState.phase !== 'Running'))
    await push({ [`${folder}/namespace.yaml`]: [thing('Namespace', 'stays', {}, 'Prune=true')] })
    t.ok(await until(() => has('configmap/new')))
    await push({ [`${folder}/new.yaml`]: undefined, [`${folder}/namespace.yaml`]: undefined })
    t.ok(
      await until(async () => (await shop.kubectl('get ns stays --ignore-not-found -o name')).trim() === ''),
    )
    t.ok(await until(async () => (await status()).sync.status === 'Synced'))
  },

  'a kustomization is added as the README of apps/ says': async (t, box, shop) => {
    const readme = await committed(box.env, 'clusters/main/apps/README.md')
    const [, , sample = ''] = readme.split(/```yaml\n/).map((part) => part.split('```')[0])
    const application = z
      .looseObject({
        metadata: z.looseObject({ name: z.string() }),
        spec: z.looseObject({ source: z.looseObject({ path: z.string() }) }),
      })
      .parse(load(sample))
    const { path } = application.spec.source
    const data = { greeting: 'hello' }
    await commit(box.env, {
      [`${path}/words.yaml`]: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'words' }, data }],
      [`${path}/kustomization.yaml`]: [{ resources: ['words.yaml'], namespace: 'shop-too' }],
      'clusters/main/apps/shop.yaml': [
        {
          ...application,
          spec: {
            ...application.spec,
            destination: { server: 'https://kubernetes.default.svc', namespace: 'shop-too' },
          },
        },
      ],
    })
    await shop.kubectl('annotate application apps -n argocd argocd.argoproj.io/refresh=normal --overwrite')
    t.ok(
      await until(
        async () =>
          (await shop.kubectl('get configmap words -n shop-too --ignore-not-found -o name')).trim() !== '',
      ),
    )
    await commit(box.env, {
      [`${path}/words.yaml`]: undefined,
      [`${path}/kustomization.yaml`]: undefined,
      'clusters/main/apps/shop.yaml': undefined,
    })
    await shop.kubectl('annotate application apps -n argocd argocd.argoproj.io/refresh=normal --overwrite')
    t.ok(
      await until(
        async () =>
          (await shop.kubectl('get application shop -n argocd --ignore-not-found -o name')).trim() === '',
      ),
    )
    await shop.kubectl('delete namespace shop-too')
  },

  'a machine joins, is resized and leaves; what ran there goes on elsewhere, with its volume': async (
    t,
    box,
    shop,
  ) => {
    await shop.write()
    const before = await shop.content()
    const added = await box.run('scale.mts', ['--add', '1', '--json'])
    t.equal(added.code, 0, added.err)
    t.match(added.err, '+ node main-2  Ready')
    await shop.kubectl('cordon main-1')
    await shop.kubectl('delete pod -l app=by-hand -n shop')
    t.equal(await placeOf(shop, 'main-2'), 'main-2')
    await shop.kubectl('uncordon main-1')
    const resized = await box.run('scale.mts', ['--size', 's-2vcpu-4gb', '--node', 'main-2'])
    t.equal(resized.code, 0, resized.err)
    t.match(resized.err, '~ node main-2  drained')
    t.match(resized.err, '~ droplet main-2  s-1vcpu-2gb → s-2vcpu-4gb')
    t.equal(await placeOf(shop, 'main-1'), 'main-1')
    const removed = await box.run('scale.mts', ['--remove', 'main-2'])
    t.equal(removed.code, 0, removed.err)
    t.equal((await shop.kubectl('get nodes -o name')).trim(), 'node/main-1')
    t.same(await shop.content(), before)
  },

  'its backups are listed from the bucket': async (t, box, shop) => {
    await shop.write()
    await shop.backUp('later')
    const listed = await box.run('scripts/backups.mts', ['--json'])
    t.equal(listed.code, 0, listed.err)
    const all = z.array(record).parse(JSON.parse(listed.out))
    const [later, first] = [all[0], all.at(-1)]
    t.match(first, { name: 'main-first', state: 'Completed', whole: true, formatVersion: '1.1.0' })
    t.match(later, { name: 'later', state: 'Completed', whole: true, perMonth: 0 })
    t.same(later?.volumes.map((one) => `${one.claim} ${one.kept}`).sort(), [
      'hello/hello s3',
      'shop/files s3',
    ])
    t.ok(later?.volumes.every((one) => one.bytes > 3000))
    const days = (Date.parse(later?.expires ?? '') - Date.parse(later?.started ?? '')) / 86_400_000
    t.equal(Math.round(days), 30)
  },

  'while it is alive nothing is restored over it': async (t, _box, shop) => {
    const ended = await shop.restore('--backup', 'latest')
    t.equal(ended.code, 1)
    t.match(ended.err, 'cluster main is alive: droplet main-1 is active')
  },

  'Velero deletes a backup, all is lost but the buckets and Git, upstream too, and an object is altered: the volume is named; with it whole, all comes back':
    async (t, box, shop) => {
      const before = await shop.content()
      // As `velero backup delete` asks for it: the real Velero has kopia strike the volumes off.
      const request = {
        ...{ apiVersion: 'velero.io/v1', kind: 'DeleteBackupRequest' },
        ...{ metadata: { name: 'later', namespace: 'velero' }, spec: { backupName: 'later' } },
      }
      const ask = () => shop.kubectl('apply --server-side -f -', JSON.stringify(request))
      await ask()
      const listed = async (...words: string[]) =>
        z
          .array(z.looseObject({ name: z.string() }))
          .parse(JSON.parse((await box.run('scripts/backups.mts', ['--json', ...words])).out))
      // A Velero that is started anew meanwhile, as on a busy machine, forgets what it was asked: then it is asked again.
      const isGone = async () => (await listed()).every(({ name }) => name !== 'later')
      const askedAgain = async () => {
        await ask()
        return isGone()
      }
      t.ok((await until(isGone, 60)) || (await until(askedAgain, 120)))
      const deleted = await listed('--deleted')
      t.match(
        deleted.find(({ name }) => name === 'later'),
        { wholeness: 'whole' },
      )
      await shop.lose()
      // k3s comes from the kit's bucket; the charts and manifests that Argo CD reads lie in Git then.
      box.withdraw()
      const [file = ''] = movedObject(box, 'shop')
      const whole = readFileSync(file)
      const altered = Buffer.from(whole)
      const middle = altered.length >> 1
      altered[middle] = (altered[middle] ?? 0) ^ 1
      for (const one of movedObject(box, 'shop')) writeFileSync(one, altered)
      const failed = await shop.restore('--backup', 'later', '--undelete')
      t.equal(failed.code, 1)
      t.match(failed.err, /ended PartiallyFailed: volume of claim shop\/files: Failed: /)
      t.match(failed.err, 'No app was started')
      for (const one of movedObject(box, 'shop')) writeFileSync(one, whole)
      const ended = await shop.restore('--backup', 'later')
      t.equal(ended.code, 0, ended.err)
      t.same(
        proof.parse(JSON.parse(ended.out)).volumes.map((one) => `${one.claim} ${one.moved === one.bytes}`),
        ['hello/hello true', 'shop/files true'],
      )
      t.same(proof.parse(JSON.parse(ended.out)).missing, [])
      t.same(
        await shop.content(),
        before,
        'every byte of every file, and the Secret that was only in the cluster',
      )
      t.match(ended.err, '+ Deployment shop/by-hand  from the backup')
      t.ok(
        await until(async () => {
          const { items } = applications.parse(
            JSON.parse(await shop.kubectl('get applications -n argocd -o json')),
          )
          return items.every(
            ({ status }) => `${status.sync.status} ${status.health.status}` === 'Synced Healthy',
          )
        }),
        'Argo CD reads every chart and manifest from Git',
      )
      const mode = 'get backupstoragelocation default -n velero -o jsonpath={.spec.accessMode}'
      t.equal(await shop.kubectl(mode), 'ReadWrite')
    },
}

/** Runs all of them. */
export async function playAll(t: Test, box: Surroundings, shop: Shop): Promise<void> {
  for (const [name, play] of Object.entries(scenarios)) await t.test(name, (t) => play(t, box, shop))
}

const objects = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), namespace: z.string(), generation: z.number().optional() }),
    }),
  ),
})
const pods = z.object({ items: z.array(z.object({ spec: z.object({ nodeName: z.string().optional() }) })) })
const record = z.looseObject({
  started: z.string(),
  expires: z.string(),
  volumes: z.array(z.object({ claim: z.string(), kept: z.string(), bytes: z.number() })),
})
const proof = z.looseObject({
  missing: z.array(z.string()),
  volumes: z.array(z.looseObject({ claim: z.string(), moved: z.number(), bytes: z.number() })),
})

const syncing = z.object({
  status: z.object({
    sync: z.object({ status: z.string() }),
    // Until its first sync begins it has none.
    operationState: z
      .object({
        phase: z.string().default(''),
        message: z.string().default(''),
        retryCount: z.number().default(0),
      })
      .prefault({}),
  }),
})

const applications = z.object({
  items: z.array(
    z.object({
      status: z.object({
        sync: z.object({ status: z.string() }),
        health: z.object({ status: z.string() }),
      }),
    }),
  ),
})

/** Git, and what Argo CD makes of it in the Application `apps`. */
const apps = (box: Surroundings, shop: Shop) => ({
  push: async (files: Parameters<typeof commit>[1]) => {
    await commit(box.env, files)
    await shop.kubectl('annotate application apps -n argocd argocd.argoproj.io/refresh=normal --overwrite')
  },
  status: async () =>
    syncing.parse(JSON.parse(await shop.kubectl('get application apps -n argocd -o json'))).status,
  /** Ends its sync by hand, as the repository's README says. */
  endSync: async () => {
    const end = '{"status":{"operationState":{"phase":"Terminating"}}}'
    await shop.kubectl(`patch application apps -n argocd --type merge -p ${end}`)
  },
})

/** Whether something comes true within three minutes. */
async function until(look: () => Promise<boolean>, most = 180): Promise<boolean> {
  for (let tries = 0; tries < most; tries++) {
    if (await look()) return true
    await sleep(1000)
  }
  return false
}

/** Where the shop's pod is, once it is where it is wanted, or after a minute. */
async function placeOf(shop: Shop, wanted: string): Promise<string> {
  for (let tries = 0; ; tries++) {
    const found = pods.parse(JSON.parse(await shop.kubectl('get pods -n shop -l app=by-hand -o json')))
    const places = found.items.map((one) => one.spec.nodeName ?? 'nowhere')
    if (tries === 120 || (places.length === 1 && places[0] === wanted)) return places.join(' ')
    await sleep(500)
  }
}

/** The largest object in the bucket that holds bytes of a namespace's volumes: its file, or those of its versions. */
function movedObject({ dir }: Surroundings, namespace: string): string[] {
  const [there, earlier] = ['spaces', 'spaces-past'].map((name) => join(dir, '.sandbox', name)) as [
    string,
    string,
  ]
  const bucket = readdirSync(there).find((name) => name.endsWith('-velero')) ?? ''
  const files = [there, earlier]
    .map((folder) => join(folder, bucket, 'kopia', namespace))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) =>
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((one) => one.isFile() && one.name.endsWith('@'))
        .map((one) => join(one.parentPath, one.name)),
    )
  const most = Math.max(...files.map((one) => statSync(one).size))
  return files.filter((one) => statSync(one).size === most)
}
