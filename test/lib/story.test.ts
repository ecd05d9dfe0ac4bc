import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { present } from '../../lib/base/result.ts'
import { colourful, endLive, underway } from '../../lib/base/story.ts'

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

t.test(
  'the live line says why it is waited for, within the terminal’s width, and goes for good at the end',
  async (t) => {
    const { isTTY, columns } = process.stderr
    const { TERM, CI } = process.env
    const { write } = process.stderr
    t.teardown(() => {
      Object.assign(process.stderr, { isTTY, columns, write })
      Object.assign(process.env, { TERM, CI })
      for (const [name, value] of Object.entries({ TERM, CI }))
        if (value === undefined) delete process.env[name]
    })
    const written: string[] = []
    Object.assign(process.stderr, {
      isTTY: true,
      columns: 60,
      write: (text: string) => written.push(text) > 0,
    })
    process.env.TERM = 'xterm'
    delete process.env.CI
    const why =
      'root Synced, Degraded; pod shop/shop-gksds: CreateContainerConfigError: secret "database" not found'
    await underway(
      'root is healthy',
      async () => {
        await sleep(300)
        endLive()
        const before = written.length
        await sleep(300)
        t.equal(written.length, before, 'nothing is drawn behind the last word')
      },
      () => why,
    )
    const drawn = written.filter((text) => text.startsWith('…'))
    t.ok(drawn.length > 0)
    for (const line of drawn) {
      t.match(line, /^… root is healthy \d s \(root Synced, Degraded; .* …$/)
      t.ok(line.length < 60, line)
    }
    t.equal(written.at(-1), '\r\x1b[2K')
  },
)
