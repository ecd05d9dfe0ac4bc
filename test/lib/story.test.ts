import t from 'tap'
import { present } from '../../lib/result.ts'
import { colourful } from '../../lib/story.ts'

t.test('colours are for terminals, unless NO_COLOR or a dumb terminal says otherwise', async (t) => {
  const { isTTY } = process.stderr
  const { NO_COLOR, TERM } = process.env
  t.teardown(() => {
    process.stderr.isTTY = isTTY
    Object.assign(process.env, { NO_COLOR, TERM })
    if (NO_COLOR === undefined) delete process.env.NO_COLOR
    if (TERM === undefined) delete process.env.TERM
  })
  delete process.env.NO_COLOR
  process.env.TERM = 'xterm'
  process.stderr.isTTY = true
  t.equal(colourful(), true)
  process.env.NO_COLOR = '1'
  t.equal(colourful(), false)
  delete process.env.NO_COLOR
  process.env.TERM = 'dumb'
  t.equal(colourful(), false)
  process.env.TERM = 'xterm'
  process.stderr.isTTY = false
  t.equal(colourful(), false)
})

t.test('the last line of a flow is the last of its result: the age of the last whole backup', async (t) => {
  const written: string[] = []
  const stdout = process.stdout.write
  const stderr = process.stderr.write
  const keep = (text: unknown) => written.push(String(text)) > 0
  process.stdout.write = keep
  process.stderr.write = keep
  try {
    present({ address: '203.0.113.10', lastBackup: 'main-first, 3 s old' }, { json: false, seconds: 4.2 })
  } finally {
    process.stdout.write = stdout
    process.stderr.write = stderr
  }
  t.match(written.join(''), /· done {2}4\.2 s\n(.*\n)*last backup {2}main-first, 3 s old\n$/)
})
