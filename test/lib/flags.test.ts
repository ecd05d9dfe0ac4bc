import t from 'tap'
import { commands, helpText, readFlags } from '../../lib/flags.ts'
import { Problem } from '../../lib/problem.ts'

t.test('values, switches and defaults', async (t) => {
  const flags = readFlags('bootstrap', ['--name', 'blue', '--size=s-2vcpu-4gb', '--yes'])
  t.match(flags, { name: 'blue', size: 's-2vcpu-4gb', yes: true, json: false, region: undefined, words: [] })
})

t.test('a value that looks like a number stays the text it is', async (t) => {
  t.equal(readFlags('bootstrap', ['--name', '1.30']).name, '1.30')
})

t.test('-h is --help, and each command tells its version', async (t) => {
  for (const name of Object.keys(commands) as (keyof typeof commands)[]) {
    t.match(readFlags(name, ['-h']), { help: true, version: false }, name)
    t.match(readFlags(name, ['--version']), { help: false, version: true }, name)
  }
})

const refused: [string[], RegExp][] = [
  [['--nmae', 'x'], /--nmae is not a flag of bootstrap. Did you mean --name\?/],
  [['--colour'], /--colour is not a flag of bootstrap.$/],
  [['--name'], /--name needs a value/],
  [['--name='], /--name needs a value/],
  [['--yes=no'], /--yes takes no value/],
  [['main'], /does not know what to do with “main”/],
  [['-y'], /-y is not a flag/],
]
for (const [argv, message] of refused)
  t.test(`refused: ${argv.join(' ')}`, async (t) => {
    const problem = t.throws(() => readFlags('bootstrap', argv), Problem) as Problem
    t.match(problem.message, message)
    t.equal(problem.exitCode, 2)
    t.match(problem.cure, /--help/)
  })

t.test('the help text names every flag of its command, in 80 columns', async (t) => {
  for (const name of Object.keys(commands))
    for (const line of helpText(name as keyof typeof commands, `scripts/${name}.mts`).split('\n'))
      t.ok(line.length <= 80, line)
  for (const [name, command] of Object.entries(commands))
    for (const flag of Object.keys(command.flags))
      t.match(helpText(name as keyof typeof commands, name), new RegExp(`--${flag}( |$)`, 'm'))
})
