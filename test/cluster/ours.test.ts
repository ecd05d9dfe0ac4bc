import t from 'tap'
import type { DigitalOcean } from '../../lib/clients/digitalocean.ts'
import type { SeenBucket } from '../../lib/cluster/bucket.ts'
import { feeIsOf, type Inventory, isOurs, notMade, ownMachines, ownProject } from '../../lib/cluster/ours.ts'

const key = (name: string) => ({ name, access_key: 'k', created_at: '', grants: [] })
const droplet = (id: string, tags: string[]) => ({
  id,
  name: 'main-1',
  status: 'active',
  locked: false,
  size_slug: 's',
  region: { slug: 'fra1' },
  tags,
  volume_ids: [],
  created_at: '',
  networks: { v4: [] },
})
const own = { id: 'p1', urns: new Set(['do:droplet:7']) }

t.test('a droplet is ours by its tag or its project, never by its name', async (t) => {
  t.ok(isOurs('droplets', droplet('1', ['regrow:main']), 'main'))
  t.ok(isOurs('droplets', droplet('7', []), 'main', own))
  t.notOk(isOurs('droplets', droplet('8', []), 'main', own))
  t.notOk(isOurs('droplets', droplet('1', ['regrow:main2', 'main']), 'main'))
})

t.test('an address is ours by its project alone', async (t) => {
  const address = { ip: '1.2.3.4', region: { slug: 'fra1' }, project_id: 'p1' }
  t.ok(isOurs('reservedIps', address, 'main', own))
  t.notOk(isOurs('reservedIps', { ...address, project_id: 'p2' }, 'main', own))
  t.notOk(isOurs('reservedIps', { ...address, project_id: undefined }, 'main'))
})

t.test('a firewall is ours by its name and the tag whose droplets it guards', async (t) => {
  const firewall = { id: 'f', name: 'main-firewall', status: 'succeeded', tags: ['regrow:main'] }
  t.ok(isOurs('firewalls', firewall, 'main'))
  t.notOk(isOurs('firewalls', { ...firewall, tags: ['web'] }, 'main'))
  t.notOk(isOurs('firewalls', { ...firewall, name: 'main-firewall-old' }, 'main'))
})

t.test('a project is ours by its name and its description, or by what was found in it', async (t) => {
  const description = 'Grown by regrow: cluster main'
  const project = { id: 'x', name: 'regrow-main', is_default: false, description }
  t.ok(isOurs('projects', project, 'main'))
  t.notOk(isOurs('projects', { ...project, is_default: true }, 'main'), 'a default project is nobody’s')
  t.notOk(
    isOurs('projects', { ...project, description: 'web' }, 'main'),
    'of our name, made by somebody else',
  )
  t.notOk(isOurs('projects', { ...project, name: 'regrow-main2' }, 'main'))
  const world = (tagged: string[], resources: string[]) =>
    ({
      projects: async () => [{ ...project, description: 'of mine' }],
      projectResources: async () => resources,
      dropletsTagged: async () => tagged.map((id) => droplet(id, ['regrow:main'])),
      volumes: async () => [],
    }) as unknown as DigitalOcean
  t.match(
    await ownProject(world(['7'], ['do:droplet:7']), 'main'),
    { id: 'x' },
    'its description was changed',
  )
  t.equal(await ownProject(world(['7'], ['do:droplet:8']), 'main'), undefined)
  t.equal(await ownProject(world([], ['do:droplet:8']), 'main'), undefined)
})

t.test('an SSH key is ours by its name and by what stands behind it', async (t) => {
  const one = { id: '1', name: 'main-key', fingerprint: '', public_key: 'ssh-ed25519 AAAA regrow main' }
  t.ok(isOurs('sshKeys', one, 'main'))
  for (const public_key of ['ssh-ed25519 AAAA', 'ssh-ed25519 AAAA me@main', 'ssh-ed25519 AAAA regrow main2'])
    t.notOk(isOurs('sshKeys', { ...one, public_key }, 'main'), public_key)
  t.notOk(isOurs('sshKeys', { ...one, name: 'main-key-2' }, 'main'))
})

t.test('Spaces keys are ours by exactly the names that regrow gives', async (t) => {
  for (const name of [
    'regrow-main-velero-1',
    'regrow-main-operator-20261123t193730z',
    'regrow-main-operator-20261123t193730z-0a1b2c-4711-3d4e5f',
    'regrow-main-reader-20261123t193730z-0a1b2c-4711-3d4e5f',
    'regrow-main-setup-20261123t193730z',
  ])
    t.ok(isOurs('spacesKeys', key(name), 'main'), name)
  for (const name of [
    'regrow-main-velero-backup',
    'regrow-main',
    'my-regrow-main-velero-1',
    'regrow-main-2-velero-1',
    'regrow-mainly-velero-1',
    'regrow-main-velero-1-old',
    'regrow-main-velero-1-0a1b2c-4711-3d4e5f',
    'regrow-main-reader-20261123t193730z-mine',
  ])
    t.notOk(isOurs('spacesKeys', key(name), 'main'), name)
  t.notOk(isOurs('spacesKeys', key('regrow-a.b-velero-1'), 'axb'))
})

t.test(
  'a load balancer is ours by its place or by what stands behind it, and never with a foreign droplet',
  async (t) => {
    const one = { id: 'b', name: 'a1b2', size_unit: 1 }
    const known = { droplets: new Set(['1', '2']) }
    const ours = (more: object) => isOurs('loadBalancers', { ...one, ...more }, 'main', own, known)
    t.ok(ours({ droplet_ids: ['1', '2'], project_id: 'default' }), 'as a cloud controller makes it')
    t.ok(ours({ tag: 'regrow:main', droplet_ids: ['1'] }))
    const byKubernetes = { name: `a${'9ed3c5b22f5d4b3a8f3e0123456789ab'.slice(0, 31)}` }
    t.ok(ours({ ...byKubernetes, project_id: 'p1', droplet_ids: [] }), 'in our project, its machines gone')
    t.notOk(ours({ ...byKubernetes, project_id: 'p1', droplet_ids: [], tag: 'web' }), 'it waits for others')
    t.notOk(ours({ name: 'shop-front', project_id: 'p1', droplet_ids: [] }), 'a person put it there')
    t.notOk(ours({ droplet_ids: ['1', '3'] }), 'it stands before somebody else’s, too')
    t.notOk(ours({ project_id: 'p1', droplet_ids: ['1', '3'] }))
    t.notOk(ours({ tag: 'regrow:main2', droplet_ids: ['3'] }))
    t.notOk(ours({ tag: 'web', droplet_ids: [] }))
    t.notOk(ours({ name: 'regrow-main', droplet_ids: [], project_id: 'p2' }), 'its name says nothing')
    t.notOk(isOurs('loadBalancers', { ...one, droplet_ids: ['1'] }, 'main'), 'nothing is known')
  },
)

t.test('Spaces’ fee is counted once an account: for the oldest cluster', async (t) => {
  const project = (name: string, created_at?: string) => ({ id: name, name, is_default: false, created_at })
  const [old, young] = [project('regrow-old', '2026-01-01'), project('regrow-young', '2026-02-02')]
  t.equal(feeIsOf({ projects: [old], others: [] }), undefined)
  t.equal(feeIsOf({ projects: [old], others: [young] }), undefined)
  t.equal(feeIsOf({ projects: [young], others: [old] }), 'old')
  t.equal(feeIsOf({ projects: [], others: [young, old] }), 'old', 'one that is to be grown')
  const [a, b] = [project('regrow-a'), project('regrow-b')]
  t.same([feeIsOf({ projects: [a], others: [b] }), feeIsOf({ projects: [b], others: [a] })], [undefined, 'a'])
})

t.test('what lies with a cluster and regrow did not make is a person’s', async (t) => {
  const ip = (ip: string, leadsTo?: string) => ({
    ...{ ip, region: { slug: 'fra1' }, project_id: 'p1' },
    droplet: leadsTo === undefined ? null : { id: leadsTo },
  })
  const volume = (name: string, tags: string[] = []) => ({
    ...{ id: name, name, size_gigabytes: 1, region: { slug: 'fra1' }, droplet_ids: [] },
    tags,
  })
  const found = (
    { reservedIps = [], volumes = [] }: Partial<Pick<Inventory, 'reservedIps' | 'volumes'>>,
    noted: string[] = [],
  ) => {
    const own = { droplets: [droplet('1', ['regrow:main'])], reservedIps, volumes }
    const persons = notMade(own, 'main', new Set(noted))
    return [...persons.reservedIps.map((one) => one.ip), ...persons.volumes.map((one) => one.name)]
  }
  t.same(
    found({ reservedIps: [ip('a', '1'), ip('b'), ip('c', '9')] }),
    ['b', 'c'],
    'one leads to our machine',
  )
  t.same(found({ reservedIps: [ip('a'), ip('b')] }, ['a']), ['b'], 'one was noted, and leads nowhere now')
  t.same(found({ reservedIps: [ip('b')] }, ['a']), ['b'], 'ours is gone')
  t.same(found({ reservedIps: [ip('a')] }), [], 'a run that was killed had made it')
  t.same(found({ reservedIps: [ip('c', '9')] }), ['c'], 'it leads to somebody else’s machine')
  const driven = 'pvc-9ed3c5b2-2f5d-4b3a-8f3e-0123456789ab'
  t.same(found({ volumes: [volume(driven), volume('photos'), volume('data', ['regrow:main'])] }), ['photos'])
  for (const tag of ['regrow:other', 'k8s:0123'])
    t.same(found({ volumes: [volume(driven, [tag])] }), [driven], `another cluster’s, by its tag ${tag}`)
})

t.test(
  'of several addresses in the project the cluster’s is the one that leads to its machine',
  async (t) => {
    const at = (ip: string, id?: string) => ({
      ...{ ip, region: { slug: 'fra1' }, project_id: 'p1' },
      droplet: id === undefined ? null : { id },
    })
    const cloud = {
      projects: async () => [
        { id: 'p1', name: 'regrow-main', is_default: false, description: 'Grown by regrow: cluster main' },
      ],
      projectResources: async () => ['do:droplet:1'],
      reservedIps: async () => [at('foreign', '9'), at('nowhere'), at('ours', '1')],
      dropletsTagged: async () => [droplet('1', ['regrow:main'])],
    }
    const { reservedIps } = await ownMachines(cloud as unknown as DigitalOcean, 'main')
    t.same(
      reservedIps.map(({ ip }) => ip),
      ['ours', 'nowhere', 'foreign'],
    )
  },
)

t.test(
  'a bucket is ours by regrow’s mark in it, and without one by what it holds; never by Git’s word',
  async (t) => {
    const seen = {
      ...{ name: 'b', use: 'kit' as const, isNamed: false, isVouched: false },
      ...{ isEmpty: false, isVeleros: false, isPaired: false },
    }
    const ours = (more: Partial<SeenBucket>) => isOurs('buckets', { ...seen, ...more }, 'main')
    const mark = { bucket: 'b', cluster: 'main', use: 'kit' as const }
    t.ok(ours({ mark }))
    t.notOk(ours({ mark: { ...mark, cluster: 'other' }, isNamed: true, kit: 'main' }), 'another cluster’s')
    t.notOk(ours({ mark: { ...mark, use: 'velero' } }), 'that of the backups')
    t.notOk(ours({ mark: { ...mark, bucket: 'a' }, kit: 'main' }), 'a copy of one')
    t.notOk(ours({}), 'Git named it')
    t.notOk(ours({ isEmpty: true }), 'even an empty one')
    t.notOk(ours({ isVouched: true }), 'somebody else’s things are in it')
    t.ok(ours({ isEmpty: true, isVouched: true }))
    t.ok(ours({ isEmpty: true, isNamed: true }), 'a run was killed when it had made it')
    t.notOk(ours({ isNamed: true }), 'of our name, with other things in it')
    t.ok(ours({ kit: 'main' }))
    t.ok(ours({ kit: 'sealed', isNamed: true }))
    t.notOk(ours({ kit: 'sealed' }))
    t.notOk(ours({ kit: 'other', isNamed: true, isVouched: true }))
    const velero = { use: 'velero', isVeleros: true } as const
    t.ok(ours({ ...velero, isPaired: true }))
    t.ok(ours({ ...velero, isVouched: true }))
    t.notOk(ours(velero), 'backups of nobody knows whom')
    t.notOk(ours({ ...velero, isVeleros: false, isPaired: true, isNamed: true }), 'more than backups')
    t.notOk(ours({ ...velero, isPaired: true, isVouched: true, kit: 'main' }), 'never one with a kit')
  },
)
