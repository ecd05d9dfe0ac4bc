import t from 'tap'
import { parseDescription, renderDescription, withFirstServer } from '../../lib/cluster/description.ts'

const faultsOf = (text: string) => {
  const read = parseDescription(text)
  return 'faults' in read ? read.faults.map((one) => `${one.key} ${one.fault}`.trim()) : []
}

t.test('an empty description has every default', async (t) => {
  const read = parseDescription('')
  t.ok('description' in read)
  if ('description' in read)
    t.matchOnly(
      { ...read.description, image: '' },
      { ...read.description, image: '', cluster: 'main', region: 'fra1', size: 's-1vcpu-2gb' },
    )
})

t.test('what is rendered reads back as the same, and Argo CD is told to skip it', async (t) => {
  const read = parseDescription('domain: example.org\nbackups: {volumes: snapshot, keepDays: 7}')
  if (!('description' in read)) return t.fail('was refused')
  const full = withFirstServer(read.description)
  const text = renderDescription(full)
  t.equal(text.split('\n')[0], '# +argocd:skip-file-rendering')
  t.same(parseDescription(text), { description: full })
  t.same(full.nodes, [{ name: 'main-1', role: 'server' }])
  t.equal(full.nextNode, 2)
  t.same(withFirstServer(full), full, 'a second look adds no second server')
})

// One mistake a row: the text, and what is said of it.
const wrong: [string, RegExp][] = [
  ['cluster: Main', /^cluster must start with a letter/],
  ['cluster: a123456789012345678901', /^cluster must start with a letter/],
  ['region: frankfurt', /^region is no region/],
  ['size: S 1', /^size is no size/],
  ['nodes: [{name: a, role: boss}]', /^nodes.0.role/],
  ['nextNode: 0', /^nextNode/],
  ['nextNode: 1.5', /^nextNode/],
  ['network: {range: 10.0.0.0}', /^network.range is no address range/],
  ['network: {range: 10.0.0.0/33}', /^network.range is no address range/],
  ['network: {adminCidrs: []}', /^network.adminCidrs/],
  ['network: {adminCidrs: [everyone]}', /^network.adminCidrs.0 is no address range/],
  ['domain: localhost', /^domain is no domain/],
  ['email: me', /^email/],
  ['backups: {schedule: daily}', /^backups.schedule is no cron/],
  ['backups: {keepDays: 0}', /^backups.keepDays/],
  ['backups: {volumes: tape}', /^backups.volumes/],
  ['backups: {volumes: snapshot}', /^backups.keepDays must be at most 24 with snapshots/],
  ['store: {endpoint: "ftp://x"}', /^store.endpoint/],
  ['store: {endpoint: "https://s3.example.org"}', /^store needs region, velero and kit/],
  ['digests: {k3s: abc}', /^digests.k3s/],
  ['colour: red', /^has unknown keys: colour/],
  ['network: {rnage: 10.0.0.0/8}', /^network has unknown keys: rnage/],
  ['- a\n- b', /expected object/i],
  ['a: [', /^is no YAML/],
  ['datastore: mysql', /^datastore/],
]
for (const [text, message] of wrong)
  t.test(`refused: ${text}`, async (t) => {
    const faults = faultsOf(text)
    t.ok(faults.length > 0)
    t.match(faults[0], message)
  })
