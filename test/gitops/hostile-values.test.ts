import t from 'tap'
import { renderRepository } from '../../lib/gitops/render.ts'
import type { RepositoryValues } from '../../lib/gitops/schema.ts'
import { documents, file, ordinary, patches } from './fixture.ts'

const hostile = [
  'yes',
  'null',
  '1e3',
  '0755',
  '2026-11-23',
  'a: b',
  '- a',
  '# a',
  'a #b',
  '*a',
  '&a',
  '!a',
  '%a',
  '@a',
  '{{cluster}}',
  '{a',
  '[a',
  '"a',
  "it's",
  '\\n',
  '$values',
  'ü🌱',
]

t.test('a value that looks like YAML stays the text that it is', async (t) => {
  for (const value of hostile) {
    const values: RepositoryValues = {
      ...ordinary,
      owner: value,
      repository: value,
      sshUrl: value,
      region: value,
      tag: value,
      domain: value,
      acmeEmail: value,
      bucket: { ...ordinary.bucket, name: value, region: value },
    }
    t.match(
      file(values, 'clusters/main/platform/backups/location.yaml'),
      { spec: { objectStorage: { bucket: value }, config: { region: value } } },
      `bucket ${value}`,
    )
    t.match(
      file(values, 'applications/platform.yaml'),
      { spec: { source: { repoURL: value } } },
      `URL ${value}`,
    )
    t.match(
      file(values, 'clusters/main/apps/hello/ingress.yaml'),
      { spec: { rules: [{ host: `hello.${value}` }] } },
      `domain ${value}`,
    )
    t.match(
      file(values, 'clusters/main/platform/ingress/values.yaml'),
      { certificatesResolvers: { letsencrypt: { acme: { email: value } } } },
      `email ${value}`,
    )
    const tagged = patches(values)
      .flatMap(({ ops }) => ops)
      .find(({ path }) => path.endsWith('/args/-'))
    t.equal(tagged?.value, `--do-tag=${value}`)
    t.equal(documents(values).length, documents(ordinary).length, 'no document more or less')
  }
})

t.test('a cluster may be called like a boolean', async (t) => {
  for (const cluster of ['yes', 'no', 'on', 'null', 'true', 'e3']) {
    const files = renderRepository({ ...ordinary, cluster })
    t.ok(files[`clusters/${cluster}/apps.yaml`])
    t.match(file({ ...ordinary, cluster }, 'applications/platform.yaml'), {
      spec: { source: { path: `clusters/${cluster}` } },
    })
  }
})

t.test('what no file could hold is refused by its name', async (t) => {
  const refused: [keyof RepositoryValues, unknown][] = [
    ['cluster', 'Main'],
    ['cluster', '../../etc'],
    ['domain', 'a\nb: c'],
    ['owner', ''],
    ['address', '300.1.1.1'],
    ['podCidr', '10.42.0.0'],
    ['bucket', { ...ordinary.bucket, endpoint: 'https://example.org/path' }],
    ['bucket', { ...ordinary.bucket, endpoint: 'ftp://example.org' }],
    ['backups', { ...ordinary.backups, ttl: '30d' }],
    ['backups', { ...ordinary.backups, schedule: 'daily' }],
    ['backups', { ...ordinary.backups, volumes: 'restic' }],
  ]
  for (const [key, value] of refused)
    t.throws(
      () => renderRepository({ ...ordinary, [key]: value } as RepositoryValues),
      { name: 'Problem', message: new RegExp(`\\b${key}\\b`) },
      `${key}: ${JSON.stringify(value)}`,
    )
  t.throws(() => renderRepository({ ...ordinary, extra: 1 } as RepositoryValues), { message: /extra/ })
})
