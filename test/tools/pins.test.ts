import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Problem } from '../../lib/base/problem.ts'
import { tools } from '../../lib/cluster/versions.ts'
import { fillPins, platforms } from '../../lib/commands/tools/fill-pins.ts'
import { installTools } from '../../lib/commands/tools/install.ts'
import { pinName, pins } from '../../lib/commands/tools/pins.ts'
import { fetchRelease, thisPlatform, toolNames } from '../../lib/commands/tools/release.ts'
import { mirror, places } from './mirror.ts'

const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex')

t.test('there is a place for each tool on four platforms, and for nothing else', async (t) => {
  const wanted = toolNames.flatMap((name) =>
    platforms.map((platform) => pinName(name, tools[name].version, platform)),
  )
  t.equal(wanted.length, 16)
  t.same(Object.keys(pins), wanted)
})

t.test(
  'a mirror that serves a tool of its own, with a checksum to it, is refused where regrow has a pin',
  async (t) => {
    const { folder, files, asked } = await mirror(t)
    const name = pinName('kubectl', tools.kubectl.version, thisPlatform())
    const { file, sums } = places('kubectl')
    pins[name] = sha256(files.get(file) ?? '')
    await installTools(['kubectl'])
    t.same(asked, [`/${file}`], 'nobody else is asked for a checksum')
    const evil = '#!/bin/sh\necho evil\n'
    files.set(file, evil).set(sums, `${sha256(evil)}\n`)
    process.env.REGROW_TOOLS = `${folder}-2`
    await t.rejects(installTools(['kubectl']), {
      message: new RegExp(`its SHA-256 is ${sha256(evil)}, and regrow knows ${pins[name]}$`),
    })
    t.notOk(existsSync(join(`${folder}-2`, 'kubectl')))
  },
)

t.test('without a pin a mirror is called a mirror', async (t) => {
  const { asked } = await mirror(t)
  const release = await fetchRelease('helm', thisPlatform(), tools.helm)
  t.equal(release.vouched, 'mirror')
  t.equal(asked.length, 2)
})

t.test('without a pin nothing is believed over plain HTTP but on this machine', async (t) => {
  await mirror(t)
  for (const host of ['mirror.example.org', '10.0.0.7:8080', '127.evil.example.org']) {
    process.env.REGROW_UPSTREAM_URL = `http://${host}`
    await t.rejects(fetchRelease('helm', thisPlatform(), tools.helm), {
      message: /^helm is not fetched from \S+ over plain HTTP/,
      cure: /https:\/\//,
    })
  }
})

t.test('a maintainer fills what is missing; what is there is never replaced', async (t) => {
  const one = 'a'.repeat(64)
  const two = 'b'.repeat(64)
  const first = pinName('doctl', tools.doctl.version, { os: 'linux', arch: 'amd64' })
  const unreachable = async (name: string) => {
    if (name === 'helm') throw new Problem('no answer', { cure: 'Check the network.' })
    return one
  }
  const filled = await fillPins(unreachable, { [first]: one, 'doctl 0.1.0 linux-amd64': two })
  t.equal(Object.keys(filled.pins).length, 16, 'an older version is let go')
  t.equal(filled.changed.length, 11)
  t.same(
    filled.missing.map(({ why }) => why),
    Array(4).fill('no answer'),
  )
  t.same([...new Set(Object.values(filled.pins))], [one, null])
  await t.rejects(
    fillPins(async () => two, { [first]: one }),
    { message: `the release of ${first} was altered: ${one} is pinned, ${two} is published now` },
  )
})
