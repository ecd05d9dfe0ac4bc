import t from 'tap'
import { parseDescription, renderDescription, withFirstServer } from '../../lib/cluster/description.ts'

t.test('an empty description has every default', async (t) => {
  const read = parseDescription('')
  t.ok('description' in read)
  if ('description' in read)
    t.matchOnly(
      { ...read.description, image: '' },
      { ...read.description, image: '', cluster: 'main', region: 'fra1', size: 's-1vcpu-2gb' },
    )
})

t.test('a file of blank lines is read as fast as any', async (t) => {
  const started = performance.now()
  t.ok('description' in parseDescription('\n'.repeat(200_000)))
  t.ok('faults' in parseDescription(`${'\n'.repeat(200_000)}nonsense: 1`))
  t.ok(performance.now() - started < 10_000)
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

t.test('no more snapshots of a volume are kept than DigitalOcean keeps', async (t) => {
  const fits = (schedule: string, keepDays: number) =>
    'description' in
    parseDescription(`backups: {volumes: snapshot, keepDays: ${keepDays}, schedule: '${schedule}'}`)
  t.ok(fits('17 3 * * *', 24))
  t.notOk(fits('17 3 * * *', 25))
  t.ok(fits('17 */6 * * *', 6))
  t.notOk(fits('17 */6 * * *', 7))
  t.ok(fits('0,30 1-3 * * *', 4))
  t.notOk(fits('0/30 1-3 * * *', 5))
  t.notOk(fits('* 3 * * *', 1))
})

t.test('a schedule is what Velero takes', async (t) => {
  for (const schedule of ['17 3 * * *', '*/15 0-6,22 1 1-12/2 0', '0 0 31 12 6'])
    t.ok('description' in parseDescription(`backups: {schedule: ${JSON.stringify(schedule)}}`), schedule)
  for (const schedule of [
    '60 3 * * *',
    '17 24 * * *',
    '17 3 0 * *',
    '17 3 * 13 *',
    '17 3 * * 7',
    '5-1 3 * * *',
    '*/0 3 * * *',
    '17  3 * * *',
    '@daily',
  ])
    t.ok('faults' in parseDescription(`backups: {schedule: ${JSON.stringify(schedule)}}`), schedule)
})
