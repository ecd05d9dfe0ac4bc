import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { z } from 'zod'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const report = z.object({
  metadata: z.object({
    vulnerabilities: z.object({ high: z.number(), critical: z.number(), total: z.number() }),
  }),
  vulnerabilities: z.record(z.string(), z.unknown()),
})

const cache = mkdtempSync(join(tmpdir(), 'regrow-npm-'))
t.teardown(() => rmSync(cache, { recursive: true, force: true }))
const words = ['audit', '--omit=dev', '--json', '--cache', cache]
const asked = spawnSync('npm', words, { cwd: root, encoding: 'utf8' })
const read = report.safeParse(JSON.parse(asked.stdout || '{}'))
const skip = read.success ? false : 'the registry does not answer audits here'

t.test('npm audit knows nothing against what is installed to run', { skip }, async (t) => {
  t.equal(
    read.data?.metadata.vulnerabilities.total,
    0,
    Object.keys(read.data?.vulnerabilities ?? {}).join(', '),
  )
})
