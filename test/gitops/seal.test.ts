import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { loadAll } from 'js-yaml'
import t from 'tap'
import { makeSealingKey } from '../../lib/store/sealing-key.ts'
import { asTyped, tsx } from '../flows/box.ts'

const run = promisify(execFile)
const script = fileURLToPath(new URL('../../scripts/seal.mts', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'regrow-seal-'))
t.teardown(() => rmSync(folder, { recursive: true }))
const { certificate } = await makeSealingKey({ now: new Date() })
writeFileSync(join(folder, 'public.pem'), certificate)
const secret = (name: string) =>
  `apiVersion: v1\nkind: Secret\nmetadata: {name: ${name}}\nstringData: {word: open sesame}\n`
writeFileSync(join(folder, 'two.yaml'), `---\n${secret('a')}---\n${secret('b')}---\n`)

/** What the script prints when it is given two Secrets by a pipe that begins to speak late. */
async function piped(...words: string[]): Promise<string> {
  const line = [process.execPath, ...tsx, script, '--certificate', 'public.pem', ...words].join(' ')
  const [program, given] = asTyped(['bash', '-c', `(sleep 1; cat two.yaml) | ${line}`])
  return (await run(program, given, { cwd: folder })).stdout
}

t.test('a pipe that is slow is read to its end, and each of its Secrets sealed', async (t) => {
  const [yaml, json] = await Promise.all([piped(), piped('--json')])
  const sealed = [
    { kind: 'SealedSecret', metadata: { name: 'a' } },
    { kind: 'SealedSecret', metadata: { name: 'b' } },
  ]
  t.match(loadAll(yaml), sealed)
  t.match(JSON.parse(json), { kind: 'List', items: sealed })
  t.notMatch(yaml + json, 'sesame')
})
