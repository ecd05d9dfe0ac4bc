import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { openTestBox, ownPath, runIn } from '../../flows/box.ts'

// Runs what the pages tell a person to type, in one SIMULATED world. A word after ```sh says who else does: `real`
// needs the real clouds, `tests` is the suite that this belongs to, `package` and `flows` are run by those tests.

const root = fileURLToPath(new URL('../../../', import.meta.url))
const read = (page: string) => readFileSync(join(root, page), 'utf8')
const pages = ['README.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)]
const readme = read('README.md')
const box = await openTestBox(t)
let story = ''

for (const page of pages)
  for (const [, who = '', block = ''] of read(page).matchAll(/^ *```sh(.*)\n([\s\S]*?)^ *```$/gm)) {
    if (who !== '') {
      t.match(who, /^ (real|tests|package|flows)$/, `${page}: who runs this block`)
      continue
    }
    for (const line of block.trim().split(/\n */))
      await t.test(`${page}: ${line}`, async (t) => {
        // What `npm ci` would install is installed where tests run.
        const command = line.replace(/^npm ci (--omit=dev )?&& /, '')
        const env = { ...box.env, HOME: box.dir, PATH: [ownPath, box.env.PATH].reverse().join(':') }
        const ended = await runIn(root, 'bash', ['-c', command], { env })
        t.equal(ended.code, 0, ended.err)
        t.ok(ended.out, 'it says something')
        if (page === 'README.md') story = `${ended.err}${ended.out}`
      })
  }

t.test('README.md: what a run looks like is what a run looks like', async (t) => {
  const shown = /## What a run looks like\n\n```text\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''
  // What differs from run to run: times, drawn addresses and names; whether something was there at the first look.
  const plain = (line: string) =>
    line
      .replace(/ {2,}[\d.]+ s$/, '')
      .replace(/127\.\d+\.\d+\.\d+|…/g, 'ADDRESS')
      .replace(/--kubeconfig \S+/, '--kubeconfig FILE')
      .replace(/main-[0-9a-f]{10}-/, 'main-HASH-')
      .replace(/\d+ s old/, 'N s old')
      .replace(/^= /, '+ ')
      .trim()
  const lines = new Set(story.split('\n').map(plain))
  const wanted = shown.split('\n').filter((line) => line.trim() !== '' && line.trim() !== '…')
  t.ok(wanted.length > 10)
  for (const line of wanted) t.ok(lines.has(plain(line)), line)
})

t.test('a run fits a terminal of 80 columns, and leaves no blanks at the ends of its lines', async (t) => {
  // The path of the kubeconfig is as long as the folder that the tests run in.
  const long = story.split('\n').filter((line) => line.length > 80 && !line.startsWith('kubeconfig '))
  t.same(long, [])
  t.notMatch(story, / $/m)
})
