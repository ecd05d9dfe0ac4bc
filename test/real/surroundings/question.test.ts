import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { tsx } from '../../flows/box.ts'

// Questions at a real terminal (script of util-linux makes one): what a bare Enter means.

const confirm = fileURLToPath(new URL('../../../lib/base/confirm.ts', import.meta.url))

/** What a run says when it asks, and a person presses Enter. */
async function entered(question: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'regrow-question-'))
  const play = `import { askToGoOn } from ${JSON.stringify(confirm)}
await askToGoOn(false, ${question}).then(
  () => console.log('went on'),
  (error) => console.log('said: ' + error.message),
)
process.exit()`
  writeFileSync(join(folder, 'play.mts'), play)
  const words = [process.execPath, ...tsx, join(folder, 'play.mts')].join(' ')
  const child = spawn('script', ['-qec', `stty cols 80; exec ${words}`, '/dev/null'], {
    env: { PATH: process.env.PATH, TERM: 'xterm' },
  })
  let said = ''
  let sent = false
  child.stdout.on('data', (chunk) => {
    said += chunk
    if (sent || !said.includes('No')) return
    sent = true
    setTimeout(() => child.stdin.write('\r'), 300)
  })
  await new Promise((done) => child.once('exit', done))
  rmSync(folder, { recursive: true })
  return said
}

t.test('Enter means no where something is removed, and yes where nothing is', async (t) => {
  const [making, removing] = await Promise.all([entered('{}'), entered('{ destructive: true }')])
  t.match(making, 'went on')
  t.match(removing, 'said: not confirmed: nothing was changed')
})
