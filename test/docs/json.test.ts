import { readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { jsonPage } from './json-page.ts'

t.test('docs/json.md is what the schemas say (npm run docs writes it)', async (t) => {
  const page = new URL('../../docs/json.md', import.meta.url)
  if (process.env.REGROW_WRITE_DOCS) writeFileSync(page, jsonPage())
  t.equal(readFileSync(page, 'utf8'), jsonPage())
})
