import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { Problem } from '../../lib/base/problem.ts'
import { askingFlags, checkCommand, clusterFlags, helpText, readFlags } from '../../lib/commands/flags.ts'
import { runIn, tsx } from '../flows/box.ts'
import { flagsIn, helps } from './helps.ts'

const grow = {
  about: 'Grows something.',
  flags: { ...clusterFlags, size: { value: 'SIZE', about: 'how large' }, ...askingFlags },
}
const read = (...argv: string[]) => readFlags('grow', grow, argv)

t.test('values, switches and defaults', async (t) => {
  const { flags, words } = read('--name', 'blue', '--size=s-2vcpu-4gb', '--yes')
  t.match(flags, { name: 'blue', size: 's-2vcpu-4gb', yes: true, json: false, repo: undefined })
  t.same(words, [])
})

t.test('their types follow from what the script says', async (t) => {
  const { flags } = read()
  const types: [string | undefined, boolean, boolean] = [flags.size, flags['dry-run'], flags.json]
  t.same(types, [undefined, false, false])
  // @ts-expect-error it has no such flag
  t.equal(flags.colour, undefined)
})

t.test('a value that looks like a number stays the text it is', async (t) => {
  t.equal(read('--name', '1.30').flags.name, '1.30')
})

const refused: [string[], RegExp][] = [
  [['--nmae', 'x'], /--nmae is not a flag of grow. Did you mean --name\?/],
  [['--colour'], /--colour is not a flag of grow.$/],
  [['--constructor'], /--constructor is not a flag of grow.$/],
  [['--__proto__=1'], /--__proto__ is not a flag of grow.$/],
  [['--name'], /--name needs a value/],
  [['--name='], /--name needs a value/],
  [['--yes=no'], /--yes takes no value/],
  [['main'], /does not know what to do with “main”/],
  [['-y'], /-y is not a flag/],
]
for (const [argv, message] of refused)
  t.test(`refused: ${argv.join(' ')}`, async (t) => {
    const problem = t.throws(() => read(...argv), Problem) as Problem
    t.match(problem.message, message)
    t.equal(problem.exitCode, 2)
    t.match(problem.cure, /--help/)
  })

t.test('a bare word is taken where there may be one', async (t) => {
  const seal = { about: 'Seals.', words: '[FILE]' }
  t.same(readFlags('seal', seal, ['a.yaml']).words, ['a.yaml'])
  t.throws(() => readFlags('seal', seal, ['a', 'b']), /seal takes one FILE, not “a b”/)
  t.match(helpText(seal, './seal.mts'), /^ {2}\.\/seal\.mts \[FILE\] \[flags\]$/m)
})

t.test('a flow that never needs tokens knows no sandbox', async (t) => {
  const tools = { about: 'Fetches.', tokens: false }
  t.throws(() => readFlags('tools', tools, ['--sandbox']), /--sandbox is not a flag of tools/)
  t.same(flagsIn(helpText(tools, 'x')), ['json', 'verbose', 'version', 'help'])
})

t.test('what a script says wrongly of itself is named, field by field', async (t) => {
  const wrong: [unknown, RegExp][] = [
    [{}, /^own\.mts: about is missing$/],
    [{ about: 'x', falgs: {} }, /^own\.mts: run has no key “falgs”, did you mean “flags”\?$/],
    ['status', /^own\.mts: run “status” must be keys with values$/],
    [undefined, /^own\.mts: run is missing$/],
    [{ about: 'x', flags: { name: 'a cluster' } }, /^own\.mts: flags\.name “a cluster” must be keys/],
    [{ about: 'x', flags: { keep: {} } }, /^own\.mts: flags\.keep\.about is missing$/],
    [{ about: 'x', flags: { '--keep': { about: 'x' } } }, /flags\.--keep .*small letters, without --$/],
    [{ about: 'x', flags: { json: { about: 'x' } } }, /flags\.json .*is a flag that every flow has$/],
  ]
  for (const [command, message] of wrong) t.throws(() => checkCommand(command, 'own.mts'), { message })
  t.doesNotThrow(() => checkCommand({ about: 'x' }, 'own.mts'))
})

t.test('a flow of a name that nobody knows, with a field or the flow itself forgotten', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'regrow-own-'))
  t.teardown(() => rmSync(dir, { recursive: true }))
  const run = JSON.stringify(fileURLToPath(new URL('../../lib/commands/run.ts', import.meta.url)))
  const own = async (text: string, ...words: string[]) => {
    writeFileSync(join(dir, 'my-own.mts'), `import { run } from ${run}\nawait ${text}\n`)
    return runIn(dir, process.execPath, [...tsx, join(dir, 'my-own.mts'), ...words])
  }
  t.match(await own("run({ about: 'Mine.', tokens: false }, () => ({ sum: 3 }))"), {
    code: 0,
    out: 'sum  3\n',
  })
  t.match(await own("run({ about: 'Mine.' }, () => 3)", '--helf'), {
    code: 2,
    out: '',
    err: 'x --helf is not a flag of my-own. Did you mean --help?\n  → --help lists what my-own takes.\n',
  })
  const lacking = [
    await own('run({ flags: {} }, () => 3)'),
    await own("run({ about: 'Mine.' })"),
    await own('run(() => 3)'),
    await own('run()'),
  ]
  for (const ended of lacking) {
    t.match(ended, { code: 1, out: '', err: /^x my-own\.mts: .+\n {2}→ .*docs\/own-flows\.md/ })
    t.notMatch(ended.err, 'fault of regrow')
  }
})

t.test('each script prints its help in 80 columns, on -h too, and its version', async (t) => {
  const all = await helps()
  t.ok(all.length >= 11)
  for (const [script, said] of all) {
    const help = said['--help'] ?? ''
    t.ok(flagsIn(help).includes('help'), script)
    t.same(
      help.split('\n').filter((line) => line.length > 80),
      [],
    )
    t.equal(said['-h'], help, script)
    t.match(said['--version'], /^regrow \d+\.\d+\.\d+\n$/, script)
  }
})
