import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { z } from 'zod'
import { parseJson } from '../../lib/base/json.ts'
import { Secret } from '../../lib/base/secret.ts'
import { connectGitHub } from '../../lib/clients/github.ts'
import { parseDescription } from '../../lib/cluster/description.ts'
import { kustomized } from '../../lib/gitops/kustomization.ts'
import { describedIn } from '../../lib/gitops/manifest-files.ts'
import { runIn, tsx } from '../flows/box.ts'

// Whatever is read has a size: what is small where it lies and large where it is opened fills no memory.

const script = fileURLToPath(new URL('read-bomb.mts', import.meta.url))
const told = z.object({ came: z.unknown(), mib: z.number() })

const bombs: [string, RegExp][] = [
  ['volumes', /it becomes more than 8 MiB/],
  ['values', /it is no list of volumes/],
  ['object', /evil\.tar\.gz in kept cannot be read: an object in it has more than 8 MiB/],
  ['name', /evil\.tar\.gz in kept cannot be read: Header exceeds max size/],
  ['report', /^no report$/],
  ['endless', /kept\/backups\/evil\/evil\.tar\.gz has more than 128 MiB/],
  ['answer', /the answer has more than 64 MiB/],
  ['list', /^the list of kept\/nodes\/ does not end$/],
  ['versions', /^the list of versions of kept\/backups\/ does not end$/],
  ['blank', /^the list of versions of kept\/backups\/ does not end$/],
  ['long', /^the list of versions of kept\/backups\/ does not end$/],
]
for (const [what, said] of bombs)
  t.test(`${what}: no more than 300 MiB of memory`, async (t) => {
    const ended = await runIn('.', process.execPath, [...tsx, script, what])
    t.equal(ended.code, 0, ended.err)
    const { came, mib } = told.parse(JSON.parse(ended.out))
    t.match(came, said)
    t.ok(mib < 300, `${mib} MiB`)
  })

t.test('a few lines of YAML do not stand for billions of values', (t) => {
  const level = (n: number) =>
    `a${n}: &a${n} [${Array(10)
      .fill(n === 0 ? 'x' : `*a${n - 1}`)
      .join(', ')}]\n`
  const bomb = Array.from({ length: 12 }, (_, n) => level(n)).join('')
  t.match(parseDescription(bomb), { faults: [{ key: '', fault: /aliases stand for more than can be read/ }] })
  const lists = Array.from({ length: 12 }, (_, n) =>
    n === 0
      ? 'l0: &l0 {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n'
      : `l${n}: &l${n} {kind: List, items: [${Array(10)
          .fill(`*l${n - 1}`)
          .join(', ')}]}\n`,
  ).join('')
  t.equal(describedIn(`${lists}kind: List\nitems: [*l11]\n`), undefined)
  t.equal(describedIn('kind: List\nitems: &a [*a]\n'), undefined, 'nor for what holds itself')
  t.equal(describedIn(`a: ${'x'.repeat(9 * 1024 ** 2)}`), undefined)
  t.end()
})

t.test('what GitHub shows in part is not taken for the whole', async (t) => {
  let answer: object = {}
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  t.teardown(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const github = await connectGitHub(url, new Secret('ghp_of-nobody-at-all'))
  const place = { owner: 'bob', name: 'regrow-main' }
  answer = { content: '', encoding: 'none' }
  await t.rejects(github.file(place, 'clusters/main/cluster.yaml'), {
    message: 'clusters/main/cluster.yaml in bob/regrow-main is too large to be read',
  })
  answer = { tree: [{ path: 'a', type: 'blob', sha: 'b' }], truncated: true }
  await t.rejects(github.tree(place, 'a'), {
    message: 'bob/regrow-main has more files than GitHub lists at once',
  })
})

t.test('kustomizations that name each other again and again have an end', async (t) => {
  const level = (n: number): [string, string] => [
    `${n}/kustomization.yaml`,
    JSON.stringify({ resources: n === 12 ? ['a.yaml'] : Array(10).fill(`../${n + 1}`) }),
  ]
  const files = new Map([...Array.from({ length: 12 }, (_, n) => level(n + 1)), ['12/a.yaml', '{}']] as [
    string,
    string,
  ][])
  const tree = {
    blob: (path: string) => files.get(path),
    paths: () => [...files.keys()],
    texts: async (paths: readonly string[]) => new Map(paths.map((path) => [path, files.get(path) ?? ''])),
  }
  await t.rejects(kustomized(tree, '1/kustomization.yaml'), {
    message: /kustomization.yaml in Git leads to more than 1000 kustomizations/,
  })
  t.same(await kustomized(tree, '12/kustomization.yaml'), [])
})

t.test('JSON is nested as deep as anything is, and no deeper', (t) => {
  const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`
  t.ok(parseJson(nested(250)))
  t.equal(parseJson(nested(251)), undefined)
  t.same(parseJson(JSON.stringify({ a: '['.repeat(1000), b: ['\\"[['] })), {
    a: '['.repeat(1000),
    b: ['\\"[['],
  })
  t.end()
})
