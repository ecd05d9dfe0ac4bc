import t from 'tap'
import { attempt, changesIn } from './attempt.ts'
import { anotherStore } from './rows/another-store.ts'
import { box, second } from './rows/boxes.ts'
import { commandLine } from './rows/command-line.ts'
import { described } from './rows/descriptions.ts'
import { digitalOcean } from './rows/digitalocean.ts'
import { environment } from './rows/environment.ts'
import { github } from './rows/github.ts'
import type { Row } from './rows/row.ts'
import { sealing } from './rows/sealing.ts'

// Wrong input, one mistake a row: what is given, what is said of it and its cure, word for word, the exit code, and that
// nothing was changed. The rows meet a SIMULATED world; most of them run in this process.

const rows = [
  ...commandLine,
  ...sealing,
  ...environment,
  ...digitalOcean,
  ...github,
  ...anotherStore,
  ...described,
]

/** What stderr ends with. */
function text({ says, found = [] }: Row): string {
  if (says) return `x ${says[0]}\n  → ${says[1]}\n`
  const head = `x ${found.length} problem${found.length === 1 ? '' : 's'} found\n`
  return head + found.map(([message, cure]) => `  • ${message}\n    → ${cure}\n`).join('')
}

/** A run in its own process, started beforehand where it waits long. */
async function apart({ run, env = {} }: Row) {
  const [script = '', ...words] = run.split(' ')
  const ended = await second.run(pathOf(script), words, { env })
  return { ...ended, code: ended.code ?? -1, changes: changesIn(ended.requests) }
}

const pathOf = (script: string) => (script === 'bootstrap.mts' ? script : `scripts/${script}`)

for (const row of rows.filter((one) => one.apart)) await row.given?.()
const started = new Map(rows.filter((one) => one.apart).map((row) => [row, apart(row)]))
for (const row of [...rows.filter((one) => !one.apart), ...started.keys()])
  await t.test(`${row.run}: ${(row.says ?? row.found?.[0])?.[0]}`, async (t) => {
    const [script = '', ...words] = row.run.split(' ')
    box.behave(row.behaviour ?? {})
    if (!row.apart) await row.given?.()
    const ended = (await started.get(row)) ?? (await attempt(box, pathOf(script), words, row.env))
    // Before it stands what was shown until then: a plan, or a step that only looked.
    t.equal(ended.err.slice(ended.err.search(/^x /m)), text(row))
    t.equal(ended.code, row.code)
    t.equal(ended.out, '')
    t.same(ended.changes, [])
  })

t.ok(rows.length >= 60, `${rows.length} rows`)
