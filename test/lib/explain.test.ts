import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { runIn, tsx } from '../flows/box.ts'

// How a run ends that a person stops, or in which their own step fails.

const folder = mkdtempSync(join(tmpdir(), 'regrow-explain-'))
t.teardown(() => rmSync(folder, { recursive: true }))
const lib = (name: string) => JSON.stringify(fileURLToPath(new URL(`../../lib/${name}`, import.meta.url)))

/** A script of a person's that does this in its flow. */
function script(step: string): string[] {
  const file = join(folder, `play-${step.length}.mts`)
  const text = `import { run } from ${lib('commands/run.ts')}
import { finishedBy } from ${lib('base/hint.ts')}
import { cut } from ${lib('base/wrap.ts')}
const flags = { name: { value: 'NAME', about: '' }, size: { value: 'SIZE', about: '' }, add: { value: 'N', about: '' }, yes: { about: '' } }
await run({ about: '', flags, tokens: false }, async () => {
  ${step}
})
`
  writeFileSync(file, text)
  return [...tsx, file]
}

t.test('an error in a person’s own step is not called a fault of regrow', async (t) => {
  const words = script("throw new Error('my own mistake')")
  const ended = await runIn(folder, process.execPath, words)
  t.equal(ended.code, 1)
  t.match(ended.err, /^x your script failed: my own mistake\n {2}→ \S+play-\d+\.mts:6 threw it\. DEBUG=1/m)
})

t.test('one that comes from the library is', async (t) => {
  const ended = await runIn(folder, process.execPath, script('cut(undefined as never, 3)'))
  t.equal(ended.code, 1)
  t.match(ended.err, /^x unexpected: Cannot read .*\n {2}→ This is a fault of regrow/m)
})

t.test('one that is stopped names the command that goes on, to be pasted', async (t) => {
  const stopped = async (step: string, ...more: string[]) => {
    const words = [
      ...script(
        `${step}; process.kill(process.pid, 'SIGINT'); await new Promise((done) => setTimeout(done, 60_000))`,
      ),
      ...more,
    ]
    const ended = await runIn(folder, process.execPath, words, { env: { REGROW_SANDBOXED: '1' } })
    t.equal(ended.code, 130)
    return ended.err
  }
  t.match(
    await stopped('', '--name', 'slow', '--size', 'a b'),
    /^! interrupted {2}this goes on from here: \.\/play-\d+\.mts --name slow --size 'a b' --sandbox$/m,
  )
  t.match(
    await stopped("finishedBy('./scale.mts --name slow')", '--name', 'slow', '--add', '1'),
    /^! interrupted {2}this goes on from here: \.\/scale\.mts --name slow$/m,
    'where the same command once more would do more',
  )
})
