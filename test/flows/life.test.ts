import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { z } from 'zod'
import type { Fault } from '../../sandbox/faults.ts'
import { askedOf, confirmed, mutating, openTestBox } from './box.ts'

// One SIMULATED cluster from its first day to its last: each test stands on what the one before left.

// The node cannot remove its bundle, however often it tries.
const lost: Fault = { kind: '503', service: 'spaces', method: 'DELETE', path: '/bundles/', times: 6 }
const box = await openTestBox(t, [lost])
const own = /^digitalocean (POST \/v2\/spaces\/keys|DELETE \/v2\/spaces\/keys\/\w+)$/
const noTerminal = { REGROW_ANSWER: undefined }
const named = (value: unknown) => z.array(z.looseObject({ name: z.string() })).parse(value)
const plan = z.object({
  items: z.array(z.object({ mark: z.string(), kind: z.string(), name: z.string(), perMonth: z.number() })),
  perMonth: z.number(),
})
let planned: z.infer<typeof plan>

t.test('without a terminal and without --yes nothing happens', async (t) => {
  const ended = await box.run('bootstrap.mts', [], { env: noTerminal })
  t.equal(ended.code, 2)
  t.match(ended.err, 'cannot ask for confirmation')
  t.match(ended.err, '--yes')
  t.same(mutating(ended.requests), [])
})

t.test('--dry-run tells the plan and the commands and changes nothing at all', async (t) => {
  const ended = await box.run('bootstrap.mts', ['--dry-run', '--json'], { env: noTerminal })
  t.equal(ended.code, 0, ended.err)
  t.same(mutating(ended.requests), [])
  planned = plan.parse(JSON.parse(ended.out))
  const shown = ended.err
  for (const command of ['doctl projects create', 'doctl compute droplet create main-1', '<new '])
    t.ok(shown.includes(command), command)
  t.match(shown, /<new droplet>/)
})

// What docs/setup.md gives the token that lives in the cluster: a bootstrap with its first backup needs no more.
const documented =
  readFileSync('docs/setup.md', 'utf8').match(/\b[a-z_]+:(read|create|delete)\b(?= {2}|\n)/g) ?? []

t.test('the token in the cluster is tried before anything is bought', async (t) => {
  const scopes = documented.filter((one) => one !== 'snapshot:read')
  box.behave({ digitalocean: { tokens: { dop_v1_scoped: scopes } } })
  const ended = await box.run('bootstrap.mts', [], { env: { REGROW_CSI_TOKEN: 'dop_v1_scoped' } })
  t.equal(ended.code, 1)
  t.match(ended.err, 'the token in REGROW_CSI_TOKEN may not read snapshots\n    → Give it snapshot:read')
  t.ok(mutating(ended.requests).every((one) => own.test(one)))
})

t.test('two tokens in, a running cluster out', async (t) => {
  t.equal(documented.length, 16, documented.join(' '))
  box.behave({ digitalocean: { tokens: { dop_v1_scoped: documented } } })
  const ended = await box.run('bootstrap.mts', ['--json'], { env: { REGROW_CSI_TOKEN: 'dop_v1_scoped' } })
  t.equal(ended.code, 0, ended.err)
  const result = z
    .object({
      address: z.string(),
      kubeconfig: z.string(),
      repository: z.string(),
      perMonth: z.number(),
      lastBackup: z.object({ name: z.string(), at: z.iso.datetime(), vouching: z.string() }),
    })
    .parse(JSON.parse(ended.out))
  t.match(result.lastBackup, { name: 'main-first', vouching: 'vouched for' })
  t.match(ended.err, 'Go on? yes (nothing here costs money)')
  t.equal(statSync(result.kubeconfig).mode & 0o777, 0o600)
  // At DigitalOcean's own pace its two long waits add some thirty looks, and 90 is the most; the second token takes six.
  const asked = askedOf('digitalocean', ended.requests)
  t.ok(asked <= 90 - 30 + 6, `${asked} requests at DigitalOcean`)

  await t.test('what exists equals the plan, and the price is the sum over it', async (t) => {
    const [droplets, volumes, firewalls, vpcs, projects, keys, ips, sizes, spacesKeys] = await Promise.all([
      box.cloud('GET', '/v2/droplets'),
      box.cloud('GET', '/v2/volumes'),
      box.cloud('GET', '/v2/firewalls'),
      box.cloud('GET', '/v2/vpcs'),
      box.cloud('GET', '/v2/projects'),
      box.cloud('GET', '/v2/account/keys'),
      box.cloud('GET', '/v2/reserved_ips'),
      box.cloud('GET', '/v2/sizes?per_page=200'),
      box.cloud('GET', '/v2/spaces/keys'),
    ])
    const names = (kind: string) =>
      planned.items.filter((item) => item.kind === kind).map((item) => item.name)
    const there = (value: unknown) => named(value).map((one) => one.name)
    t.same(there(droplets.droplets), names('droplet'))
    t.same(there(firewalls.firewalls), names('firewall'))
    t.same(there(vpcs.vpcs), names('network'))
    t.same(there(keys.ssh_keys), names('SSH key'))
    t.same(there(spacesKeys.keys), names('Spaces key'))
    t.same(
      there(projects.projects).filter((name) => name !== 'first-project'),
      names('project'),
    )
    t.equal(z.array(z.unknown()).parse(ips.reserved_ips).length, names('reserved IP').length)
    for (const bucket of names('bucket'))
      t.ok(existsSync(join(box.dir, '.sandbox', 'spaces', bucket)), bucket)
    const claimed = z
      .array(z.object({ size_gigabytes: z.number(), tags: z.array(z.string()) }))
      .parse(volumes.volumes)
    t.equal(claimed.length, names('volume').length)
    t.ok(
      claimed.every((volume) => volume.tags.includes('regrow:main')),
      'tagged',
    )
    const live = z.array(z.object({ slug: z.string(), price_monthly: z.number() })).parse(sizes.sizes)
    const size = live.find((one) => one.slug === 's-1vcpu-2gb')?.price_monthly ?? Number.NaN
    const copies = claimed.length * 0.3 // thirty snapshots of a cent
    const sum = size + 5 + copies + claimed.reduce((all, volume) => all + volume.size_gigabytes * 0.1, 0)
    t.equal(planned.perMonth.toFixed(2), sum.toFixed(2))
    t.equal(result.perMonth, planned.perMonth)
  })

  await t.test('no bundle stays in the bucket, though the node could not remove its own', async (t) => {
    const deletes = ended.requests.filter((one) => one.method === 'DELETE' && one.path.includes('/bundles/'))
    t.same(
      deletes.map(({ status }) => status),
      [503, 503, 503, 503, 503, 503, 204],
    )
    const kit = planned.items.find(({ name }) => name.endsWith('-kit'))?.name ?? ''
    const left = readdirSync(join(box.dir, '.sandbox', 'spaces', kit), { recursive: true }).map(String)
    t.ok(left.some((one) => one.startsWith('nodes/main-1/fetch.json')))
    t.same(
      left.filter((one) => one.startsWith('bundles/')),
      [],
    )
  })

  await t.test('the cluster is whole', async (t) => {
    const get = async (...words: string[]) => {
      const asked = await box.run('kubectl', ['get', ...words, '-A', '-o', 'json'])
      return z.object({ items: z.array(z.unknown()) }).parse(JSON.parse(asked.out)).items
    }
    const [nodes, claims, locations, backups, applications] = await Promise.all([
      get('nodes'),
      get('persistentvolumeclaims'),
      get('backupstoragelocations.velero.io'),
      get('backups.velero.io'),
      get('applications.argoproj.io'),
    ])
    t.match(nodes, [{ status: { conditions: [{ type: 'Ready', status: 'True' }] } }])
    t.match(claims, [{ status: { phase: 'Bound' } }])
    t.match(locations, [{ status: { phase: 'Available' } }])
    t.match(backups, [{ metadata: { name: 'main-first' }, status: { phase: 'Completed' } }])
    t.equal(applications.length, 9)
    for (const one of applications)
      t.match(one, { status: { sync: { status: 'Synced' }, health: { status: 'Healthy' } } })
  })
})

t.test('a second run changes nothing but its own keys, and says so', async (t) => {
  const ended = await box.run('bootstrap.mts')
  t.equal(ended.code, 0, ended.err)
  t.match(ended.err, 'nothing to make')
  t.notMatch(ended.err, /^[+~-] /m)
  t.notMatch(ended.err, 'Go on?')
  t.match(ended.out, /last backup +main-first, \d+ s old\n$/)
  const changes = mutating(ended.requests)
  t.equal(changes.length, 2, 'one that only reads')
  t.ok(askedOf('digitalocean', ended.requests) <= 20, 'nothing is asked for twice')
  const files = ended.requests.map(({ path }) => path).filter((path) => path.includes('/contents/'))
  t.same(files, [...new Set(files)], 'nor is a file of the repository')
  t.ok(
    changes.every((one) => own.test(one)),
    changes.join(', '),
  )
})

t.test('what drifted is named and mended; what a person wrote stays', async (t) => {
  const rules = z.object({
    firewalls: z.array(z.looseObject({ id: z.string(), inbound_rules: z.array(z.unknown()) })),
  })
  const firewalls = async () => rules.parse(await box.cloud('GET', '/v2/firewalls')).firewalls
  const [firewall] = await firewalls()
  const anywhere = { addresses: ['0.0.0.0/0'] }
  await box.cloud('PUT', `/v2/firewalls/${firewall?.id}`, {
    name: 'main-firewall',
    tags: ['regrow:main'],
    inbound_rules: ['22', '6443'].map((ports) => ({ protocol: 'tcp', ports, sources: anywhere })),
    outbound_rules: [{ protocol: 'tcp', ports: '1-65535', destinations: anywhere }],
  })
  const [volume] = z
    .object({ volumes: z.array(z.object({ id: z.string() })) })
    .parse(await box.cloud('GET', '/v2/volumes')).volumes
  const [droplet] = z
    .object({ droplets: z.array(z.object({ id: z.number() })) })
    .parse(await box.cloud('GET', '/v2/droplets')).droplets
  await box.cloud('DELETE', '/v2/tags/regrow:main/resources', {
    resources: [{ resource_id: String(droplet?.id), resource_type: 'droplet' }],
  })
  t.ok(volume)
  const repository = '/repos/bob/regrow-main'
  const [key] = z.array(z.object({ id: z.number() })).parse(await box.github('GET', `${repository}/keys`))
  await box.github('DELETE', `${repository}/keys/${key?.id}`)
  const readme = z
    .object({ sha: z.string() })
    .parse(await box.github('GET', `${repository}/contents/README.md`))
  await box.github('PUT', `${repository}/contents/README.md`, {
    message: 'Mine',
    sha: readme.sha,
    content: Buffer.from('mine\n').toString('base64'),
  })
  box.behave({ digitalocean: { tokens: { dop_v1_rotated: ['.'] } } })

  const before = await controller()
  const status = await box.run('scripts/status.mts', ['--json'])
  t.match(JSON.parse(status.out), {
    changed: [
      'repository bob/regrow-main  private, its deploy key is missing',
      /^firewall main-firewall .* its rules differ$/,
      /^droplet main-1 .* its tag is gone$/,
    ],
    mendedBy: /bootstrap\.mts --name main --sandbox$/,
  })
  const ended = await box.run('bootstrap.mts', [], { env: { REGROW_CSI_TOKEN: 'dop_v1_rotated' } })
  t.equal(ended.code, 0, ended.err)
  t.match(ended.err, /^ {2}~ firewall +main-firewall/m, 'the plan says so first')
  t.match(ended.err, /^ {2}~ repository +bob\/regrow-main .*its deploy key is missing/m)
  t.match(ended.err, /^ {2}~ droplet +main-1 .*its tag is gone/m)
  t.match(ended.err, /^[~+] firewall main-firewall/m)
  t.match(ended.err, /^[~+] deploy key of bob\/regrow-main/m)
  t.match(ended.err, /^[~+] .*(tag|droplet main-1)/m)
  t.match(ended.err, /^~ DigitalOcean token in the cluster/m)
  t.match(ended.err, 'README.md  edited by you: kept')
  t.not(await controller(), before, 'the controller, which reads the token once, was started anew')
  t.notMatch(JSON.stringify(await firewalls()), '"22"')
  t.equal(z.array(z.unknown()).parse(await box.github('GET', `${repository}/keys`)).length, 1)
  const tagged = await box.cloud('GET', '/v2/droplets?tag_name=regrow:main')
  t.equal(named(tagged.droplets).length, 1)
  const secret = await box.run('kubectl', [
    'get',
    'secret',
    'digitalocean',
    '-n',
    'kube-system',
    '-o',
    'json',
  ])
  t.equal(Buffer.from(JSON.parse(secret.out).data['access-token'], 'base64').toString(), 'dop_v1_rotated')
})

t.test('no other repository takes the place of the one that describes it', async (t) => {
  await box.github('POST', '/user/repos', { name: 'elsewhere', private: true, auto_init: true })
  const [nowhere, elsewhere] = await Promise.all(
    ['bob/nowhere', 'bob/elsewhere'].map((repository) => box.run('bootstrap.mts', ['--repo', repository])),
  )
  t.equal(nowhere?.code, 1)
  t.match(nowhere?.err, 'droplet main-1 of cluster main is there, and bob/nowhere is not')
  t.match(nowhere?.err, '--repo OWNER/NAME')
  t.equal(elsewhere?.code, 1)
  t.match(elsewhere?.err, 'its deploy key in bob/regrow-main, and GitHub takes it in no second')
  t.match(elsewhere?.err, /→ Omit --repo\.$/m)
  t.same(
    [nowhere, elsewhere].flatMap((ended) => mutating(ended?.requests ?? [])).filter((one) => !own.test(one)),
    [],
  )
})

t.test('an address that leads nowhere is told, and led back', async (t) => {
  const [address] = z
    .array(z.object({ ip: z.string() }))
    .parse((await box.cloud('GET', '/v2/reserved_ips')).reserved_ips)
  await box.cloud('POST', `/v2/reserved_ips/${address?.ip}/actions`, { type: 'unassign' })
  while (JSON.stringify(await box.cloud('GET', '/v2/reserved_ips')).includes('main-1')) {}
  const status = await box.run('scripts/status.mts', ['--json'])
  t.match(JSON.parse(status.out), {
    changed: [`reserved IP ${address?.ip}  leads nowhere, $5.00 a month`],
    api: [
      `does not answer: reserved IP ${address?.ip} leads nowhere`,
      /bootstrap\.mts --name main --sandbox leads it/,
    ],
  })
  const { out } = await box.run('scripts/destroy.mts', ['--dry-run', '--confirm', 'main'])
  t.match(out, `- reserved IP ${address?.ip}  $5.00`, 'it is billed until then')
  const ended = await box.run('bootstrap.mts')
  t.equal(ended.code, 0, ended.err)
  t.match(ended.err, /^ {2}~ reserved IP .*leads nowhere/m)
  t.match(ended.err, /^\+ address \S+ {2}leads to main-1/m)
  t.match(ended.err, '= DigitalOcean token in the cluster  a narrower one than yours')
})

t.test('status tells what is there; the other names of the tokens do as well', async (t) => {
  const ended = await box.run('scripts/status.mts', ['--json'], {
    env: {
      GITHUB_TOKEN: undefined,
      GH_TOKEN: box.env.GITHUB_TOKEN,
      DIGITALOCEAN_TOKEN: undefined,
      DIGITALOCEAN_ACCESS_TOKEN: box.env.DIGITALOCEAN_TOKEN,
    },
  })
  t.equal(ended.code, 0, ended.err)
  t.match(JSON.parse(ended.out), {
    cluster: 'main',
    missing: [],
    state: 'well',
    attention: [],
    nodes: [{ name: 'main-1', ready: true }],
    tokenInCluster: 'a narrower one (REGROW_CSI_TOKEN)',
    perMonth: 17.4,
    lastBackup: { name: 'main-first', at: /^\d{4}-.*Z$/ },
  })
  t.ok(mutating(ended.requests).every((one) => own.test(one)))
})

t.test('a snapshot that a failed backup left is named, with what removes it', async (t) => {
  const volumes = z.array(z.object({ id: z.string() })).parse((await box.cloud('GET', '/v2/volumes')).volumes)
  const left = { name: 'snapshot-left', tags: ['regrow:main'] }
  const made = await box.cloud('POST', `/v2/volumes/${volumes[0]?.id}/snapshots`, left)
  const { id } = z.object({ id: z.string() }).parse(made.snapshot)
  const status = await box.run('scripts/status.mts', ['--json'])
  t.equal(status.code, 3, status.err)
  t.match(JSON.parse(status.out).attention, [
    new RegExp(`^snapshot snapshot-left, \\$0.06 a month, .* compute snapshot delete ${id} removes it$`),
  ])
  await box.cloud('DELETE', `/v2/snapshots/${id}`)
})

t.test('a kubeconfig, Argo CD’s password and the machines’ SSH key from anywhere', async (t) => {
  const [written, password, key] = await Promise.all([
    box.run('scripts/kubeconfig.mts', ['--output', 'mine.yaml']),
    box.run('scripts/kubeconfig.mts', ['--argocd-password']),
    box.run('scripts/kubeconfig.mts', ['--ssh-key']),
  ])
  const asData = async (...words: string[]) =>
    JSON.parse((await box.run('scripts/kubeconfig.mts', ['--json', ...words])).out)
  const [path, passwordData, keyData] = await Promise.all([
    asData('--output', 'mine.yaml'),
    asData('--argocd-password'),
    asData('--ssh-key'),
  ])
  t.match(path, { kubeconfig: join(box.dir, 'mine.yaml') })
  t.same(passwordData, { user: 'admin', password: password.out.trim() })
  t.match(keyData, { user: 'root', privateKey: key.out, firewall: /^\S{36}$/ })
  t.equal(written.code, 0, written.err)
  t.match(written.out, /last backup +main-first, /)
  t.equal(statSync(join(box.dir, 'mine.yaml')).mode & 0o777, 0o600)
  const nodes = await box.run('kubectl', ['--kubeconfig', 'mine.yaml', 'get', 'nodes', '-o', 'name'])
  t.equal(nodes.out.trim(), 'node/main-1')
  t.match(password.out, /^\S{16,}\n$/)
  t.match(key.out, /^-----BEGIN OPENSSH PRIVATE KEY-----\n[\s\S]+\n-----END OPENSSH PRIVATE KEY-----\n$/)
  t.match(key.err, /doctl compute firewall add-rules \S{36} --inbound-rules protocol:tcp,ports:22,/)
})

t.test('a Secret is sealed, offline as well, and the cluster opens it', async (t) => {
  const secret = (name: string) =>
    `apiVersion: v1\nkind: Secret\nmetadata: {name: ${name}, namespace: default}\nstringData: {word: open sesame}\n`
  const saved = await box.run('scripts/seal.mts', ['--save-certificate', 'public.pem'])
  t.equal(saved.code, 0, saved.err)
  const [online, offline] = await Promise.all([
    box.run('scripts/seal.mts', [box.file('secret.yaml', secret('online'))]),
    box.run('scripts/seal.mts', ['--certificate', 'public.pem'], {
      input: secret('offline'),
      env: {
        DIGITALOCEAN_TOKEN: undefined,
        GITHUB_TOKEN: undefined,
        REGROW_DIGITALOCEAN_URL: 'http://127.0.0.1:9',
      },
    }),
  ])
  for (const sealed of [online, offline]) {
    t.equal(sealed.code, 0, sealed.err)
    t.notMatch(sealed.out, 'sesame')
    const applied = await box.run('kubectl', ['apply', '--server-side', '-f', '-'], { input: sealed.out })
    t.equal(applied.code, 0, applied.err)
  }
  for (const name of ['online', 'offline']) {
    let opened = await box.run('kubectl', ['get', 'secret', name, '-n', 'default', '-o', 'json'])
    for (let tries = 0; opened.code !== 0 && tries < 20; tries++)
      opened = await box.run('kubectl', ['get', 'secret', name, '-n', 'default', '-o', 'json'])
    t.equal(Buffer.from(JSON.parse(opened.out).data.word, 'base64').toString(), 'open sesame')
  }
})

t.test('destroy asks for the name', async (t) => {
  const [unasked, wrong] = await Promise.all([
    box.run('scripts/destroy.mts', ['--yes'], { env: noTerminal }),
    box.run('scripts/destroy.mts', ['--yes', '--confirm', 'mian'], { env: noTerminal }),
  ])
  t.equal(unasked.code, 2)
  t.match(unasked.err, '--confirm main')
  const boxed = await box.run('scripts/destroy.mts')
  t.equal(boxed.code, 2, 'the sandbox answers questions, and types no name')
  t.match(boxed.err, /Go on\? yes \(nothing here costs money\)[\s\S]*--confirm main/)
  t.equal(wrong.code, 2)
  t.match(wrong.err, 'nothing was removed')
  for (const one of [unasked, wrong, boxed])
    t.ok(mutating(one.requests).every((request) => own.test(request)))
})

t.test('destroy removes what is ours, and keeps backups and repository', async (t) => {
  const foreign = { name: 'main-9', region: 'fra1', size: 's-1vcpu-2gb', image: 'debian-13-x64' }
  await box.cloud('POST', '/v2/droplets', foreign)
  await box.cloud('POST', '/v2/volumes', { name: 'photos', region: 'fra1', size_gigabytes: 3 })
  const mine = await personsThings()
  const ended = await box.run('scripts/destroy.mts', ['--json', '--yes', '--confirm', 'main'], {
    env: noTerminal,
  })
  t.equal(ended.code, 0, ended.err)
  const result = JSON.parse(ended.out)
  t.same(result.left, [])
  t.match(result.lastBackup, { name: 'main-first' })
  t.equal(result.kept.filter((one: string) => /^(bucket|repository)/.test(one)).length, 3)
  const byHand = '(regrow did not make it)'
  for (const line of [
    `reserved IP ${mine.ip} ${byHand}  $5.00`,
    `volume of-my-own, 4 GiB ${byHand}  $0.40`,
    `snapshot by-hand of droplet main-1, 1.5 GiB ${byHand}  $0.09`,
    /^snapshot untagged of volume pvc-\S+, 1 GiB \(regrow did not make it\) {2}\$0.06$/,
    /^project regrow-main \(what stays lies in it: .*domain example.org/,
  ])
    t.ok(
      result.kept.some((one: string) => (typeof line === 'string' ? one === line : line.test(one))),
      String(line),
    )
  await mine.remove()
  t.same(
    named((await box.cloud('GET', '/v2/droplets')).droplets).map((one) => one.name),
    ['main-9'],
  )
  t.same(
    named((await box.cloud('GET', '/v2/volumes')).volumes).map((one) => one.name),
    ['photos'],
  )
  t.same((await box.cloud('GET', '/v2/reserved_ips')).reserved_ips, [])
  t.same((await box.cloud('GET', '/v2/firewalls')).firewalls, [])
  t.same((await box.cloud('GET', '/v2/account/keys')).ssh_keys, [])
})

t.test('of a cluster that is gone status names what brings it back', async (t) => {
  const status = await box.run('scripts/status.mts', ['--json'])
  const { missing, api } = JSON.parse(status.out)
  t.same(missing, [
    'project regrow-main',
    'firewall main-firewall',
    'SSH key main-key',
    'reserved IP of regrow-main',
    'droplet main-1',
  ])
  t.match(api, [
    'none: there is no droplet main-1',
    /restore\.mts --name main --backup latest --sandbox brings back what its last whole backup holds$/,
    /bootstrap\.mts --name main --sandbox grows an empty cluster instead$/,
  ])
})

t.test('its place may be taken by another repository once its deploy key is free', async (t) => {
  const words = ['--repo', 'bob/elsewhere', '--dry-run']
  const refused = await box.run('bootstrap.mts', words)
  t.equal(refused.code, 1)
  t.match(refused.err, 'first remove the deploy key “argocd main” from bob/regrow-main')
  const keys = '/repos/bob/regrow-main/keys'
  const [key] = z.array(z.object({ id: z.number() })).parse(await box.github('GET', keys))
  await box.github('DELETE', `${keys}/${key?.id}`)
  const dry = await box.run('bootstrap.mts', words)
  t.equal(dry.code, 0, dry.err)
  t.match(dry.out, /^ {2}\+ droplet +main-2 /m, 'no number twice, though this repository never counted')
})

t.test('told twice it removes buckets and repository too, and then nothing is there', async (t) => {
  const words = ['--with-backups', '--with-repository', '--json', ...confirmed()]
  box.behave({ githubScopes: 'repo' })
  const refused = await box.run('scripts/destroy.mts', words)
  t.equal(refused.code, 1)
  t.match(refused.err, 'it lacks the scope “delete_repo” (it has: repo)')
  t.same(mutating(refused.requests), [], 'the backups are not removed first')
  box.behave({ githubScopes: 'repo, delete_repo' })
  const ended = await box.run('scripts/destroy.mts', words)
  t.equal(ended.code, 0, ended.err)
  t.match(JSON.parse(ended.out), { left: [], lastBackup: null })
  await t.rejects(box.github('GET', '/repos/bob/regrow-main'), /404/)
  t.same((await box.cloud('GET', '/v2/spaces/keys')).keys, [])
  const again = await box.run('scripts/destroy.mts', words)
  t.equal(again.code, 0, again.err)
  t.match(again.err, 'nothing is there')
  t.same(mutating(again.requests), [])
})

/** Puts things of a person's own beside the cluster's; `remove` looks that they are there still, and takes them away. */
async function personsThings(): Promise<{ ip: string; remove(): Promise<void> }> {
  const id = z.object({ id: z.union([z.string(), z.number()]) })
  const projects = z.object({ projects: z.array(id.extend({ name: z.string() })) })
  const [project] = projects
    .parse(await box.cloud('GET', '/v2/projects'))
    .projects.filter((one) => one.name === 'regrow-main')
  const { reserved_ip: address } = z
    .object({ reserved_ip: z.object({ ip: z.string() }) })
    .parse(await box.cloud('POST', '/v2/reserved_ips', { region: 'fra1', project_id: project?.id }))
  const wish = { name: 'of-my-own', region: 'fra1', size_gigabytes: 4 }
  const { volume } = z.object({ volume: id }).parse(await box.cloud('POST', '/v2/volumes', wish))
  const resources = [`do:volume:${volume.id}`, 'do:domain:example.org']
  await box.cloud('POST', `/v2/projects/${project?.id}/resources`, { resources })
  const all = async (what: string) => named((await box.cloud('GET', `/v2/${what}`))[what])
  const main = (await all('droplets')).find((one) => one.name === 'main-1')
  await box.cloud('POST', `/v2/droplets/${main?.id}/actions`, { type: 'snapshot', name: 'by-hand' })
  const driven = (await all('volumes')).find((one) => one.name.startsWith('pvc-'))
  await box.cloud('POST', `/v2/volumes/${driven?.id}/snapshots`, { name: 'untagged' })
  while ((await all('snapshots')).length < 2) {}
  return {
    ip: address.ip,
    remove: async () => {
      await box.cloud('DELETE', `/v2/reserved_ips/${address.ip}`)
      await box.cloud('DELETE', `/v2/volumes/${volume.id}`)
      for (const one of await all('snapshots')) await box.cloud('DELETE', `/v2/snapshots/${one.id}`)
      const other = z.object({ project: id }).parse(
        await box.cloud('POST', '/v2/projects', {
          name: 'mine',
          purpose: 'Class project / Educational purposes',
        }),
      )
      const domain = { resources: ['do:domain:example.org'] }
      await box.cloud('POST', `/v2/projects/${other.project.id}/resources`, domain)
      await box.cloud('DELETE', `/v2/projects/${project?.id}`)
    },
  }
}

/** The uid of the CSI controller's pod. */
async function controller(): Promise<string | undefined> {
  const words = 'get pods -n kube-system -l app=csi-do-controller -o json'.split(' ')
  const pods = z.object({ items: z.array(z.object({ metadata: z.object({ uid: z.string() }) })) })
  const { items } = pods.parse(JSON.parse((await box.run('kubectl', words)).out))
  return items[0]?.metadata.uid
}
