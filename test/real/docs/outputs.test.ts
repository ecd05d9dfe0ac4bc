import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { openTestBox, type TestBox } from '../../flows/box.ts'

// The plans that docs/scaling.md shows are those that a SIMULATED cluster gets; `npm run docs` writes them.

t.setTimeout(600_000) // on a machine that may be busy
const page = join(fileURLToPath(new URL('../../../', import.meta.url)), 'docs', 'scaling.md')

/** The plan that a command line shows, from its first line to its sum. */
async function planOf(box: TestBox, command: string): Promise<string> {
  const [, ...words] = command.split(' ')
  const ended = await box.run('scale.mts', [...words, '--dry-run'])
  if (ended.code !== 0) throw new Error(ended.err)
  return /^cluster [\s\S]*?^ {2}machines .*\n/m.exec(ended.out)?.[0] ?? ended.out
}

t.test('docs/scaling.md shows what scale says', async (t) => {
  const box = await openTestBox(t)
  t.equal((await box.run('bootstrap.mts')).code, 0)
  const block = /^```text (\.\/scale\.mts .+)\n[\s\S]*?^```$/gm
  const before = readFileSync(page, 'utf8')
  const commands = [...before.matchAll(block)].map(([, command = '']) => command)
  t.equal(commands.length, 5)
  const plans = new Map<string, string>()
  for (const command of commands) {
    // What leaves must have come.
    if (command.includes('main-2') && ![...plans.keys()].some((one) => one.includes('main-2')))
      t.equal((await box.run('scale.mts', ['--add', '1'])).code, 0)
    plans.set(command, await planOf(box, command))
  }
  const after = before.replaceAll(
    block,
    (_, command: string) => `\`\`\`text ${command}\n${plans.get(command)}\`\`\``,
  )
  if (process.env.REGROW_WRITE_DOCS) writeFileSync(page, after)
  else t.equal(before, after)
})
