import t from 'tap'
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
