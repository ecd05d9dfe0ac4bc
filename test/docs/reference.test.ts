import { readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { referencePage } from '../../lib/cluster/reference.ts'
import { parts } from '../../lib/cluster/versions.ts'

t.test('docs/cluster-yaml.md is what the schema says (npm run docs writes it)', async (t) => {
  const page = new URL('../../docs/cluster-yaml.md', import.meta.url)
  if (process.env.REGROW_WRITE_DOCS) writeFileSync(page, referencePage())
  t.equal(readFileSync(page, 'utf8'), referencePage())
})

t.test('docs/evidence.md carries every part with its shipped version and its witness', async (t) => {
  const page = readFileSync(new URL('../../docs/evidence.md', import.meta.url), 'utf8')
  for (const [name, { version, witnessed }] of Object.entries(parts))
    t.ok(page.includes(`| ${name} | ${version} | ${witnessed} |`), name)
})
