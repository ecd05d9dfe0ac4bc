import t from 'tap'
import { Problem } from '../../lib/base/problem.ts'
import { archiveIn } from '../../lib/cluster/chart-index.ts'

// The index of a Helm repository, whose address Git may name.

const chart = { chart: 'traefik', repository: 'https://charts.example.org', version: '1.2.0' }
const entry = (version: string, more = '') =>
  `entries:\n  traefik:\n    - {version: ${version}, urls: [traefik.tgz]${more}}\n`

t.test('the archive of a version, however that is written', async (t) => {
  const there = { address: 'https://charts.example.org/traefik.tgz', digest: undefined }
  t.same(archiveIn(entry('1.2.0'), chart), there)
  t.same(archiveIn(entry('1.2'), { ...chart, version: '1.2' }), there)
  t.match(archiveIn(entry('1.2.0', ', digest: "sha256:ab"'), chart), { digest: 'ab' })
})

t.test('an index that stands for more than can be read is none', async (t) => {
  const bomb = Array.from({ length: 30 }, (_, at) =>
    at === 0 ? 'a0: &a0 [x, x]' : `a${at}: &a${at} [*a${at - 1}, *a${at - 1}]`,
  ).join('\n')
  const started = performance.now()
  for (const text of [`${bomb}\n${entry('*a29')}`, `a: &a [*a]\n${entry('*a')}`, ' '.repeat(17 * 1024 ** 2)])
    t.throws(() => archiveIn(text, chart), Problem)
  t.throws(() => archiveIn(entry('[[1.2.0]]'), chart), /has no chart traefik 1.2.0/)
  t.ok(performance.now() - started < 10_000)
})
