// Plays test files, some side by side and the longest first. None is begun that may not end in time: it counts as skipped,
// by its name. Prints their TAP one after the other; exit code 1 when one of them failed.
// Usage: node .ci/play.mjs UNTIL JOBS FILE...; UNTIL in Unix seconds
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const [until = '', jobs = '', ...files] = process.argv.slice(2)
/** Seconds that a file took in an earlier run, where it is more than a minute. */
const known = JSON.parse(readFileSync(new URL('seconds.json', import.meta.url), 'utf8'))
const expected = (file) => known[file] ?? 60
/** A file may take half as long again as it did, and a minute more. */
const mayEnd = (file) => Date.now() / 1000 + expected(file) * 1.5 + 60 < Number(until)
/** Seconds after which a file is ended: it hangs, or would take the time of those that come after it. */
const limit = (file) => Math.min(expected(file) * 3 + 300, Number(until) - Date.now() / 1000)
const tap = fileURLToPath(new URL('../node_modules/.bin/tap', import.meta.url))

/** Runners that are at work, each with a group of its own: what it started ends with it, and with this. */
const running = new Set()
function end(child) {
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch (error) {
    if (error.code !== 'ESRCH') throw error // it ended by itself meanwhile
  }
}
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => {
    running.forEach(end)
    process.exit(1)
  })

const waiting = files.toSorted((one, other) => expected(other) - expected(one))
await Promise.all(
  Array.from({ length: Number(jobs) }, async () => {
    for (let file = waiting.shift(); file; file = waiting.shift()) await play(file)
  }),
)

async function play(file) {
  if (!mayEnd(file)) {
    const why = `NOT RUN: ${expected(file)} s may not fit into what is left of CI's time`
    process.stdout.write(`ok 1 - ${file} # SKIP ${why}\n# { total: 1, skip: 1 }\n`)
    return
  }
  const words = [
    '--exclude=nothing',
    '--disable-coverage',
    '--jobs=1',
    '--timeout=3600',
    '--reporter=tap',
    file,
  ]
  const child = spawn(tap, words, { stdio: ['ignore', 'pipe', 'inherit'], detached: true })
  running.add(child)
  const seconds = Math.round(limit(file))
  let why = 'its runner ended early'
  const clock = setTimeout(() => {
    why = `it did not end within ${seconds} s`
    end(child)
  }, seconds * 1000)
  const ended = new Promise((done) => child.once('exit', done))
  const [out, code] = await Promise.all([text(child.stdout), ended])
  clearTimeout(clock)
  running.delete(child)
  process.stdout.write(out)
  if (code !== 0) process.exitCode = 1
  // A runner that was killed has told no totals.
  if (!/^# \{ total: .*\}$/m.test(out))
    process.stdout.write(`not ok 1 - ${file}: ${why}\n# { total: 1, fail: 1 }\n`)
}
