import { X509Certificate } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  closeSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { load } from 'js-yaml'
import t from 'tap'
import { makeClusterAuthorities } from '#cloud-init/index.ts'
import { writeKubeconfig } from '../../lib/kubernetes/kubeconfig.ts'

const day = 86_400_000
const now = new Date()
const file = join(t.testdir(), 'of', 'kubeconfig-main.yaml')
const authorities = await makeClusterAuthorities({ now })
let ahead = 0
/** What the run itself uses, as it was written last. */
let run = ''
const cloud = { clockOffset: () => ahead * day }

/** Writes it again. @returns its text, and whether it is another than before */
async function again(kit = { authorities }, address = '192.0.2.7', group = 'regrow:operators-1') {
  const before = text()
  const kube = await writeKubeconfig({ name: 'main', cloud }, kit, address, { group, file })
  t.equal(kube.file, file)
  run = readFileSync(kube.run, 'utf8')
  return { text: text(), isNew: text() !== before }
}

function text(): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

const certificateIn = (of: string) => {
  const { users } = load(of) as { users: { user: Record<string, string> }[] }
  return new X509Certificate(Buffer.from(users[0]?.user['client-certificate-data'] ?? '', 'base64'))
}
const validTo = (of: string) => Date.parse(certificateIn(of).validTo)

t.test('a kubeconfig that is good stays as it is', async (t) => {
  t.ok((await again()).isNew, 'made with its folder')
  t.equal(statSync(file).mode & 0o777, 0o600)
  chmodSync(file, 0o644)
  t.notOk((await again()).isNew)
  t.equal(statSync(file).mode & 0o777, 0o600, 'but for who may read it')
})

t.test('one that is not is made anew', async (t) => {
  t.ok((await again({ authorities }, '192.0.2.8')).isNew, 'for another address')
  ahead = 3.9
  t.notOk((await again({ authorities }, '192.0.2.8')).isNew, 'good for three days and an hour')
  ahead = 4.1
  const renewed = await again({ authorities }, '192.0.2.8')
  t.ok(renewed.isNew, 'good for less than three days')
  t.ok(validTo(renewed.text) < now.getTime() + 11.2 * day)
  ahead = 0
  t.ok((await again({ authorities }, '192.0.2.8')).isNew, 'not good yet')
  t.ok(
    (await again({ authorities }, '192.0.2.8', 'regrow:operators-2')).isNew,
    'of a group that counts no more',
  )
  const client = (await makeClusterAuthorities({ now })).client
  const other = { authorities: { ...authorities, client } }
  t.ok((await again(other, '192.0.2.8')).isNew, 'signed by another authority')
  writeFileSync(file, text().slice(0, -200))
  t.ok((await again(other, '192.0.2.8')).isNew, 'half of it')
  writeFileSync(file, text().replace(/client-certificate-data: \S+/, 'client-certificate-data: bm9uZQ=='))
  t.ok((await again(other, '192.0.2.8')).isNew, 'no certificate')
})

t.test('what another could read, or leads elsewhere, is not written into', async (t) => {
  await again()
  const before = statSync(file).ino
  t.notOk((await again()).isNew)
  t.equal(statSync(file).ino, before, 'it is private, and stays')
  const opened = openSync(file, 'r')
  chmodSync(file, 0o644)
  t.notOk((await again()).isNew)
  t.not(fstatSync(opened).ino, statSync(file).ino, 'who has it open has the old one')
  closeSync(opened)
  const elsewhere = join(t.testdir({ own: 'mine' }), 'own')
  unlinkSync(file)
  symlinkSync(elsewhere, file)
  await t.rejects(again(), { message: /kubeconfig-main.yaml is there and is not a file of its own/ })
  t.equal(readFileSync(elsewhere, 'utf8'), 'mine')
  t.same(readdirSync(dirname(file)), ['kubeconfig-main.yaml'], 'nothing half is left')
  unlinkSync(file)
  const isRoot = process.getuid?.() === 0
  await t.test(
    'a file of another user',
    { skip: isRoot ? false : 'only root gives files away' },
    async (t) => {
      writeFileSync(file, '', { mode: 0o600 })
      chownSync(file, 65534, 65534)
      t.ok((await again()).isNew)
      t.equal(statSync(file).uid, 0)
    },
  )
})

t.test('a person’s lasts a week in a group that can be shut out, the run’s own a day', async (t) => {
  ahead = 0
  const { text } = await again()
  t.match(certificateIn(text).subject, /^O=regrow:operators-1$/m)
  t.ok(Math.abs(validTo(text) - (now.getTime() + 7 * day)) < day / 100)
  t.match(certificateIn(run).subject, /^O=system:masters$/m)
  t.ok(Math.abs(validTo(run) - (now.getTime() + day)) < day / 100)
})
