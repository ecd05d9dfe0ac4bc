import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import t from 'tap'
import { z } from 'zod'
import { confirmed, mutating, openTestBox } from '../../flows/box.ts'

// Other wishes than the defaults, each as far as it differs, in SIMULATED worlds.

t.test(
  'another name, domain, admin range, snapshots, prices, a passphrase and a narrower token',
  async (t) => {
    const box = await openTestBox(t)
    box.behave({
      digitalocean: { prices: { 's-1vcpu-2gb': 33 }, tokens: { dop_v1_narrow: ['.'] } },
    })
    box.file('wanted.yaml', 'backups: {volumes: snapshot, keepDays: 10}\nregion: ams3\n')
    const words =
      '--config wanted.yaml --name other --domain example.org --admin-cidr 127.0.0.0/8 --json'.split(' ')
    const env = { REGROW_PASSPHRASE: 'correct horse battery', REGROW_CSI_TOKEN: 'dop_v1_narrow' }
    const dry = await box.run('bootstrap.mts', [...words, '--dry-run'], { env })
    const planned = z
      .object({
        items: z.array(z.object({ kind: z.string(), name: z.string(), perMonth: z.number() })),
        perMonth: z.number(),
      })
      .parse(JSON.parse(dry.out))
    const ended = await box.run('bootstrap.mts', words, { env })
    t.equal(ended.code, 0, ended.err)
    const result = JSON.parse(ended.out)
    // Droplet, Spaces, two claims of 1 GiB, ten snapshots of both.
    const sum = 33 + 5 + 2 * 0.1 + 10 * 2 * 0.06
    t.equal(planned.perMonth.toFixed(2), sum.toFixed(2))
    t.equal(planned.items.reduce((all, one) => all + one.perMonth, 0).toFixed(2), sum.toFixed(2))
    t.equal(result.perMonth, Number(sum.toFixed(2)))
    t.notMatch(ended.err, 'aims at', 'nobody is blamed for a price')
    t.match(result.lastBackup, { name: 'other-first' })
    t.match(result.repository, /bob\/regrow-other$/)
    t.notMatch(ended.err, 'your DigitalOcean token will live in the cluster')

    const kit = planned.items.find((one) => one.kind === 'bucket' && one.name.endsWith('-kit'))?.name ?? ''
    const text = readFileSync(join(box.dir, '.sandbox', 'spaces', kit, 'kit.json.age@'), 'latin1')
    t.match(text, /^age-encryption\.org\/v1\n-> scrypt /, 'the kit is an age file')
    const firewalls = JSON.stringify((await box.cloud('GET', '/v2/firewalls')).firewalls)
    t.match(firewalls, '"127.0.0.0/8"')
    const snapshots = z.array(z.unknown()).parse((await box.cloud('GET', '/v2/snapshots')).snapshots)
    const volumes = z.array(z.unknown()).parse((await box.cloud('GET', '/v2/volumes')).volumes)
    t.equal(volumes.length, planned.items.filter((one) => one.kind === 'volume').length)
    t.equal(volumes.length, 2)
    t.equal(snapshots.length, volumes.length, 'the first backup kept one of each volume')
    const kube = ['--kubeconfig', '.sandbox/kubeconfig-other.yaml', 'get']
    const secret = await box.run('kubectl', [
      ...kube,
      'secret',
      'digitalocean',
      '-n',
      'kube-system',
      '-o',
      'json',
    ])
    t.equal(Buffer.from(JSON.parse(secret.out).data['access-token'], 'base64').toString(), 'dop_v1_narrow')

    const idle = await box.run('bootstrap.mts', ['--name', 'other', '--dry-run'], { env })
    t.equal(idle.code, 0, idle.err)
    t.match(idle.out, 'nothing to make')
    t.notMatch(idle.out, /^ *\$ /m, 'a dry run of what is there shows no command: none would run')
    t.match(idle.err, '= kit ')

    const { REGROW_PASSPHRASE } = env
    const inCluster = async (more: Record<string, string | undefined> = {}) => {
      const ended = await box.run('bootstrap.mts', ['--name', 'other'], {
        env: { REGROW_PASSPHRASE, ...more },
      })
      t.equal(ended.code, 0, ended.err)
      return /^. DigitalOcean token in the cluster.*$/m.exec(ended.err)?.[0]
    }
    t.equal(await inCluster(), '= DigitalOcean token in the cluster  a narrower one than yours', 'it stays')
    box.behave({ digitalocean: { prices: { 's-1vcpu-2gb': 33 } } })
    // It was revoked: whoever did that does not get the owner's own for it, unless the owner says so.
    const refused = await box.run('bootstrap.mts', ['--name', 'other'], { env: { REGROW_PASSPHRASE } })
    t.equal(refused.code, 1)
    t.match(refused.err, 'the DigitalOcean token in the cluster does not open your account any more')
    t.equal(
      await inCluster({ REGROW_CSI_TOKEN: box.env.DIGITALOCEAN_TOKEN }),
      '~ DigitalOcean token in the cluster  was another one: replaced',
    )

    const without = await box.run('scripts/kubeconfig.mts', ['--name', 'other'])
    t.equal(without.code, 1)
    t.match(without.err, 'the kit is encrypted and no passphrase is given')
    const wrong = await box.run('scripts/kubeconfig.mts', ['--name', 'other'], {
      env: { REGROW_PASSPHRASE: 'wrong' },
    })
    t.equal(wrong.code, 1)
    t.match(wrong.err, 'the passphrase does not open the kit')
  },
)

t.test('another S3 store than Spaces, with keys that the person made', async (t) => {
  const box = await openTestBox(t)
  const endpoint = box.env.AWS_ENDPOINT_URL ?? ''
  const keyFor = async (grants: object[]) => {
    const made = await box.cloud('POST', '/v2/spaces/keys', { name: 'mine', grants })
    return z.object({ key: z.object({ access_key: z.string(), secret_key: z.string() }) }).parse(made).key
  }
  const whole = await keyFor([{ bucket: '', permission: 'fullaccess' }])
  const store = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: whole.access_key, secretAccessKey: whole.secret_key },
  })
  for (const Bucket of ['my-velero', 'my-kit']) await store.send(new CreateBucketCommand({ Bucket }))
  store.destroy()
  const grant = (bucket: string) => ({ bucket, permission: 'readwrite' })
  const operator = await keyFor([grant('my-velero'), grant('my-kit')])
  const cluster = await keyFor([grant('my-velero')])
  box.file(
    'b2.yaml',
    `store: {endpoint: '${endpoint}', region: eu-central-1, velero: my-velero, kit: my-kit}\n`,
  )
  const env = {
    REGROW_STORE_ENDPOINT: `${endpoint}/`,
    REGROW_STORE_KEY: operator.access_key,
    REGROW_STORE_SECRET: operator.secret_key,
    REGROW_VELERO_KEY: cluster.access_key,
    REGROW_VELERO_SECRET: cluster.secret_key,
  }
  const keyless = await box.run('bootstrap.mts', ['--config', 'b2.yaml'])
  t.not(keyless.code, 0)
  t.match(keyless.err, 'REGROW_STORE_KEY')
  t.same(mutating(keyless.requests), [])

  const ended = await box.run('bootstrap.mts', ['--config', 'b2.yaml', '--json'], { env })
  t.equal(ended.code, 0, ended.err)
  t.match(JSON.parse(ended.out), { perMonth: 12.4, lastBackup: { name: 'main-first' } })
  t.ok(existsSync(join(box.dir, '.sandbox/spaces/my-kit/kit.json@')))
  t.ok(existsSync(join(box.dir, '.sandbox/spaces/my-velero/backups/main-first')))
  t.notOk(mutating(ended.requests).some((one) => one.includes('/v2/spaces/keys')))

  const again = await box.run('bootstrap.mts', [], { env })
  t.equal(again.code, 0, again.err)
  t.same(mutating(again.requests), [], 'not one change, not even a key')

  const next = await keyFor([grant('my-velero')])
  const rotated = await box.run('bootstrap.mts', [], {
    env: { ...env, REGROW_VELERO_KEY: next.access_key, REGROW_VELERO_SECRET: next.secret_key },
  })
  t.equal(rotated.code, 0, rotated.err)
  t.match(rotated.err, '~ key to the backups in the cluster  was another one: replaced')
})

t.test('what is wanted later is planned and asked for; a sample that is deleted stays away', async (t) => {
  const box = await openTestBox(t)
  t.equal((await box.run('bootstrap.mts')).code, 0)
  const dry = await box.run('bootstrap.mts', ['--domain', 'example.org', '--dry-run', '--json'])
  const planned = z
    .object({ items: z.array(z.object({ mark: z.string(), kind: z.string(), name: z.string() })) })
    .parse(JSON.parse(dry.out))
  t.same(
    planned.items.filter((one) => /[+~]/.test(one.mark)).map((one) => `${one.kind} ${one.name}`),
    ['description clusters/main/cluster.yaml', 'volume certificates of Traefik'],
  )
  const later = await box.run('bootstrap.mts', ['--domain', 'example.org', '--json'])
  t.equal(later.code, 0, later.err)
  t.match(later.err, 'Go on?')
  t.equal(JSON.parse(later.out).perMonth, 17.81)
  const volumes = async () => z.array(z.unknown()).parse((await box.cloud('GET', '/v2/volumes')).volumes)
  t.equal((await volumes()).length, 2)

  const removed = await box.run('bash', [
    '-euc',
    `git clone -q https://github.com/bob/regrow-main mine && cd mine
    git rm -rq clusters/main/apps/hello storage/pvc.yaml
    git -c user.name=alice -c user.email=alice@example.org commit -qm 'No sample' && git push -q`,
  ])
  t.equal(removed.code, 0, removed.err)
  const again = await box.run('bootstrap.mts')
  t.equal(again.code, 0, again.err)
  t.match(again.err, 'clusters/main/apps/hello/workload.yaml  removed by you: stays removed')
  t.match(again.err, '= claims in hello  Bound', 'what holds data stays, and its Application is Synced')
  t.equal((await volumes()).length, 2)
  const deleted = await box.run('kubectl', ['delete', 'persistentvolumeclaim', 'hello', '-n', 'hello'])
  t.equal(deleted.code, 0, deleted.err)
  const without = await box.run('bootstrap.mts')
  t.equal(without.code, 0, without.err)
  t.match(without.err, '; nothing to make')
  t.match(without.err, '= claims in hello  none: you removed the sample')
  t.equal((await volumes()).length, 1)
})

t.test('another size in Git is told by plan and status, and left to scale', async (t) => {
  const box = await openTestBox(t)
  t.equal((await box.run('bootstrap.mts')).code, 0)
  const path = '/repos/bob/regrow-main/contents/clusters/main/cluster.yaml'
  const there = z.object({ sha: z.string(), content: z.string() }).parse(await box.github('GET', path))
  const text = Buffer.from(there.content, 'base64').toString().replace('s-1vcpu-2gb', 's-2vcpu-4gb')
  await box.github('PUT', path, {
    message: 'Larger',
    sha: there.sha,
    content: Buffer.from(text).toString('base64'),
  })
  const dry = await box.run('bootstrap.mts', ['--dry-run', '--json'])
  const { items } = z
    .object({ items: z.array(z.looseObject({ kind: z.string() })) })
    .parse(JSON.parse(dry.out))
  t.match(
    items.filter((one) => one.kind === 'droplet'),
    [{ mark: '=', size: { is: 's-1vcpu-2gb', wanted: 's-2vcpu-4gb' } }],
  )
  const said =
    /main-1 is s-1vcpu-2gb, and not s-2vcpu-4gb as Git says: \S+scale\.mts --name main --sandbox does it$/m
  const planned = await box.run('bootstrap.mts')
  t.equal(planned.code, 0, planned.err)
  t.match(planned.err, said)
  const status = await box.run('scripts/status.mts', ['--json'])
  t.match(JSON.parse(status.out), { changed: [said] })
  const scaled = await box.run('scale.mts')
  t.equal(scaled.code, 0, scaled.err)
  t.match(scaled.err, '~ droplet main-1  s-1vcpu-2gb → s-2vcpu-4gb')
  t.same(JSON.parse((await box.run('scripts/status.mts', ['--json'])).out).changed, [])
})

t.test('a cluster lives in one repository, whatever its name', async (t) => {
  const box = await openTestBox(t)
  t.equal((await box.run('bootstrap.mts', ['--repo', 'bob/first'])).code, 0)
  await box.github('POST', '/user/repos', { name: 'second', private: true, auto_init: true })
  const second = await box.run('bootstrap.mts', ['--repo', 'bob/second'])
  t.equal(second.code, 1)
  t.match(second.err, /key is already in use/)
  t.match(second.err, 'Where another one describes cluster main, name that with --repo OWNER/NAME')
  await box.run('scripts/destroy.mts', ['--repo', 'bob/first', ...confirmed()])
  const again = await box.run('bootstrap.mts', ['--repo', 'bob/first'])
  t.equal(again.code, 0, again.err)
  t.match(again.err, '+ droplet main-2')
  await box.github('POST', '/user/repos', { name: 'third', private: true, auto_init: true })
  const third = await box.run('bootstrap.mts', ['--repo', 'bob/third'])
  t.equal(third.code, 1)
  t.match(third.err, /bob\/third does not describe cluster main, whose machines are there: main-2 \(\d+\)$/m)
  t.match(third.err, 'Name the repository that describes it with --repo OWNER/NAME.')
  // The run's own key, to look for an unfinished restore.
  const own = /^digitalocean (POST \/v2\/spaces\/keys|DELETE \/v2\/spaces\/keys\/\w+)$/
  t.same(
    mutating(third.requests).filter((one) => !own.test(one)),
    [],
  )
})
