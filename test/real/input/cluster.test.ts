import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openTestBox } from '../../flows/box.ts'
import { attempt } from '../../input/attempt.ts'
import * as keeping from './rows/keeping.ts'
import * as restoring from './rows/restoring.ts'
import type { Row } from './rows/row.ts'
import * as scaling from './rows/scaling.ts'

// Wrong input to what brings back, what scales and what removes, one mistake a row, in a SIMULATED world: message, cure,
// exit code, and that nothing was changed.

t.setTimeout(600_000) // on a machine that may be busy
const box = await openTestBox(t)
const subjects = [restoring, keeping, scaling]

async function tell(rows: Row[]): Promise<void> {
  for (const row of rows)
    await t.test(row.run, async (t) => {
      await row.given?.()
      const [script = '', ...words] = row.run.split(' ')
      const ended = await attempt(box, script, words, row.env)
      await row.afterwards?.()
      t.equal(ended.code, row.code, ended.err)
      for (const said of row.says) t.ok(ended.err.includes(said), `${said}\n${ended.err}`)
      t.same(ended.changes, [])
    })
}

await tell(subjects.flatMap((one) => one.beforeACluster))

const spaces = join(box.dir, '.sandbox', 'spaces')
let bucket = ''
await t.test('a cluster with a backup', async (t) => {
  const grown = await box.run('bootstrap.mts')
  t.equal(grown.code, 0, grown.err)
  bucket = readdirSync(spaces).find((name) => name.endsWith('-velero')) ?? ''
})

await tell(subjects.flatMap((one) => one.besideACluster({ spaces, bucket, cloud: box.cloud })))
