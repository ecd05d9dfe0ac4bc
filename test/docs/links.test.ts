import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { flagsIn, helps } from '../lib/helps.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const pages = ['README.md', ...readdirSync(join(root, 'docs')).map((name) => join('docs', name))].filter(
  (page) => page.endsWith('.md'),
)
const prose = pages.map((page) => readFileSync(join(root, page), 'utf8')).join('\n')

for (const page of pages)
  t.test(`${page}: every link to a file leads somewhere`, async (t) => {
    const text = readFileSync(join(root, page), 'utf8')
    for (const [, link = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link) || link.startsWith('#')) continue
      t.ok(existsSync(join(root, dirname(page), link.replace(/#.*$/, ''))), link)
    }
    t.ok(text.startsWith('# '), 'it has a title')
  })

t.test('every script that the pages name is there and may be run', async (t) => {
  for (const [, script = ''] of prose.matchAll(/`\.\/([\w/]+\.mts)/g))
    t.doesNotThrow(() => accessSync(join(root, script), constants.X_OK), `${script} may be run`)
})

t.test('every test that the pages name is there', async (t) => {
  for (const [, path = ''] of prose.matchAll(/`(test\/[\w./-]+)/g)) t.ok(existsSync(join(root, path)), path)
})

t.test('every file of the project that the pages name is there', async (t) => {
  for (const [, path = ''] of prose.matchAll(/`((?:lib|cloud-init|sandbox|scripts)\/[\w./-]+\.\w+)`/g))
    t.ok(existsSync(join(root, path)), path)
})

t.test('every variable that the library reads is explained', async (t) => {
  const sources = readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(root, 'lib', name), 'utf8'))
    .join('\n')
  // What scripts tell each other is not for people to set.
  const inner = new Set(['REGROW_VERBOSE', 'REGROW_SANDBOXED', 'REGROW_API_PORT'])
  const names = new Set([...sources.matchAll(/\bREGROW_[A-Z_]+\b/g)].map(([name]) => name))
  for (const name of names) if (!inner.has(name) && !name.endsWith('_')) t.match(prose, name)
})

t.test('every flag that the pages name is one of a command', async (t) => {
  const known = new Set((await helps()).flatMap(([, said]) => flagsIn(said['--help'])))
  // Flags of other programs, and of scripts/sandbox.mts, that the pages speak of.
  const others = [
    'kube-version',
    'key-renew-period',
    'omit',
    'read-only',
    'reset',
    'latency',
    'faults',
    'hold',
    'exclude',
    'from-literal',
    'save-certificate',
  ]
  for (const [, flag = ''] of prose.matchAll(/`--([a-z][a-z-]+)/g))
    t.ok(known.has(flag) || others.includes(flag), `--${flag}`)
})
