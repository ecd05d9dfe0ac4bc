import t from 'tap'
import { ownFlows } from './own.ts'

// An example under another name and in another place, as a person copies it; test/real/flows/examples.test.ts runs them.

t.test('an example that is copied starts wherever it lies, and names a wrong flag', async (t) => {
  const own = ownFlows(t)
  for (const place of ['./mine.mts', 'scripts/mine.mts', 'flows-of-mine/mine.mts']) {
    own.copy('examples/nightly-report.mts', place)
    t.same(await own.run(`${place} --mial me@example.org`), {
      code: 2,
      out: '',
      err: 'x --mial is not a flag of mine. Did you mean --mail?\n  → --help lists what mine takes.\n',
    })
  }
  t.match(await own.run('./mine.mts -h'), {
    code: 0,
    out: /^ {2}mine\.mts \[flags\]\n[\s\S]+--mail ADDRESS /m,
  })
})

t.test('where the library trips over what an own flow hands it, the line of the flow is named', async (t) => {
  const own = ownFlows(t)
  own.write(
    'mine.mts',
    "import { drain, run } from '#flow'\n\nawait run({ about: 'Mine.', tokens: false }, async () => {\n  await drain({})\n})\n",
  )
  const ended = await own.run('node --import ./lib/commands/start.mjs ./mine.mts')
  t.equal(ended.code, 1)
  t.match(
    ended.err,
    /^x unexpected: Cannot .*\n {2}→ This is a fault of regrow, unless mine\.mts:4 hands it something wrong\./m,
  )
})

t.test('a command of a person’s own that fails is no fault of regrow', async (t) => {
  const own = ownFlows(t)
  own.write(
    'mine.mts',
    "import { $ } from 'zx'\nimport { run } from '#flow'\n\nconst mine = { about: 'Mine.', tokens: false }\n\nawait run(mine, async () => {\n  await $`echo to be read >&2; false`\n})\n",
  )
  const ended = await own.run('node --import ./lib/commands/start.mjs ./mine.mts')
  t.equal(ended.code, 1)
  t.match(
    ended.err,
    /^x a command of your script ended with exit code 1: to be read\n {2}→ mine\.mts runs it with \$\.$/m,
  )
  t.notMatch(ended.err, 'fault of regrow')
})
