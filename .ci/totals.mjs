// Adds up the totals that tap wrote at the end of each run and prints them as one line. Exit code 1 when an assertion
// failed, none passed, or a runner ended before it wrote its totals.
import { readFileSync } from 'node:fs'

const sums = { pass: 0, fail: 0, skip: 0, todo: 0 }
for (const file of process.argv.slice(2)) {
  const totals = readFileSync(file, 'utf8').match(/^# \{ total: .*\}$/gm) ?? []
  if (totals.length === 0) {
    process.stderr.write(`${file} is not whole: its runner ended early\n`)
    sums.fail++
    continue
  }
  for (const total of totals)
    for (const name of Object.keys(sums))
      sums[name] += Number(total.match(new RegExp(`\\b${name}: (\\d+)`))?.[1] ?? 0)
}
console.log(`${sums.pass} passed, ${sums.fail} failed, ${sums.skip + sums.todo} skipped`)
process.exitCode = sums.fail > 0 || sums.pass === 0 ? 1 : 0
