import { load } from 'js-yaml'
import t from 'tap'
import { renderUserData, userDataLimit } from '../src/index.ts'
import { agent, authorities, firstServer, secondServer, signedUrl } from './sample.ts'

const wish = (name: string) => ({
  name,
  bundleUrl: signedUrl(`bundles/${name}.tar.gz`),
  bundleSha256: 'cd'.repeat(32),
  bundleKey: 'k'.repeat(22),
  startedUrl: signedUrl(`nodes/${name}/started.json`, 'PutObject'),
})

t.test('for every role it stays under 4 KiB with signed URLs of 500 bytes', async (t) => {
  for (const { name } of [firstServer, secondServer, agent]) {
    const text = renderUserData(wish(name))
    t.ok(wish(name).bundleUrl.length >= 500)
    t.ok(Buffer.byteLength(text) <= userDataLimit, `${name}: ${Buffer.byteLength(text)} bytes`)
  }
})

t.test('it writes one script and one unit, and starts the unit without waiting', async (t) => {
  const text = renderUserData(wish('main-1'))
  t.match(text, /^#cloud-config\n/)
  const config = load(text) as { write_files: { path: string; permissions: string; content: string }[] }
  t.strictSame(Object.keys(config), ['write_files', 'runcmd', 'bootcmd'])
  t.match(config, {
    write_files: [
      { path: '/usr/local/sbin/regrow', permissions: '0700' },
      { path: '/etc/systemd/system/regrow.service', permissions: '0644' },
    ],
    runcmd: [
      'systemctl enable regrow.service',
      'systemctl start --no-block regrow.service',
      'sync && touch /var/lib/cloud/instance/sem/regrow',
    ],
  })
  const [script, unit] = config.write_files.map(({ content }) => content)
  for (const line of [
    "NODE_NAME='main-1'",
    `BUNDLE_URL='${wish('main-1').bundleUrl}'`,
    `SHA256='${'cd'.repeat(32)}'`,
    `KEY='${'k'.repeat(22)}'`,
    `STARTED_URL='${wish('main-1').startedUrl}'`,
  ])
    t.ok(script?.split('\n').includes(line), line)
  t.notMatch(unit, /cloud-(final|init)|multi-user\.target\n.*After/, 'it waits for nothing that waits for it')
  t.match(
    unit,
    /\nConditionPathExists=!\/var\/lib\/regrow\/finished\n/,
    'a finished node does nothing at boot',
  )
})

t.test('no lasting secret is in it', async (t) => {
  const text = renderUserData(wish('main-1'))
  for (const secret of [firstServer.tokens.server, firstServer.tokens.agent, authorities.server.key])
    t.notOk(text.includes(secret))
})

t.test('what is not right is refused', async (t) => {
  t.throws(() => renderUserData({ ...wish('main-1'), bundleUrl: `${signedUrl('x')}${'y'.repeat(600)}` }), {
    name: 'Problem',
    message: /^the user-data of main-1 has \d+ bytes, more than 4096$/,
  })
  t.throws(() => renderUserData({ ...wish('main-1'), bundleSha256: 'no' }), /bundleSha256 is not a SHA-256/)
  t.throws(() => renderUserData({ ...wish('main-1'), bundleKey: 'short' }), /bundleKey is not a key/)
  t.throws(() => renderUserData({ ...wish('main-1'), startedUrl: 'ftp://x' }), /startedUrl/)
  t.throws(() => renderUserData({ ...wish("a'b"), name: "a'b" }), /name is not a name/)
})
