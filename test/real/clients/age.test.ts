import { spawn, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { stripVTControlCharacters } from 'node:util'
import t from 'tap'
import type { Cluster } from '../../../lib/cluster/cluster.ts'
import type { Buckets } from '../../../lib/store/buckets.ts'
import { ensureKit, readKit } from '../../../lib/store/kit.ts'
import { parseRecord } from '../../../lib/store/records.ts'

// REAL: the program age opens a kit that regrow encrypted, and regrow opens one that age encrypted.

const absent = ['age', 'script'].filter((name) => spawnSync('which', [name]).status !== 0)
const skip = absent.length > 0 && `NOT WITNESSED: ${absent.join(', ')} is not installed here`
const passphrase = 'correct horse "battery"/staple+'

/** age asks a terminal for the passphrase, and nothing else: `script` gives it one. */
async function age(
  folder: string,
  words: string,
  answers: string[],
): Promise<{ code: number | null; said: string }> {
  const child = spawn('script', ['-qec', `age ${words}`, '/dev/null'], {
    cwd: folder,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = new Promise<number | null>((done) => child.once('close', done))
  let said = ''
  const rest = [...answers]
  child.stdout.on('data', (chunk) => {
    said += chunk
    if (/passphrase[^\n]*: *$/i.test(stripVTControlCharacters(said)) && rest.length > 0)
      child.stdin.write(`${rest.shift()}\r`)
  })
  await text(child.stdout).catch(() => '')
  return { code: await ended, said }
}

/** Buckets of which the kit's is in memory. */
function memory(): { buckets: Buckets; objects: Map<string, Uint8Array> } {
  const objects = new Map<string, Uint8Array>()
  const kit = {
    get: async (key: string) => objects.get(key),
    put: async (key: string, body: Uint8Array) => void objects.set(key, body),
  }
  const velero = { list: async () => [] }
  return { buckets: { kit, velero, places: { kit: 'kit' } } as unknown as Buckets, objects }
}
/** One without machines. */
const cluster = {
  ...{ name: 'main', tag: 'regrow:main' },
  cloud: { clockOffset: () => 0, dropletsTagged: async () => [] },
} as unknown as Cluster

t.setTimeout(300_000)

t.test('age opens our kit with the passphrase, and with no other', { skip }, async (t) => {
  process.env.REGROW_PASSPHRASE = passphrase
  const { buckets, objects } = memory()
  const kit = await ensureKit(buckets, cluster)
  t.same([...objects.keys()], ['kit.json.age'])
  const folder = t.testdir()
  writeFileSync(join(folder, 'kit.json.age'), objects.get('kit.json.age') ?? '')
  const opened = await age(folder, '-d -o kit.json kit.json.age', [passphrase])
  t.equal(opened.code, 0, opened.said)
  t.same(parseRecord(readFileSync(join(folder, 'kit.json'))), kit)
  const refused = await age(folder, '-d -o other.json kit.json.age', ['wrong'])
  t.not(refused.code, 0)
  t.match(refused.said, 'incorrect passphrase')
})

t.test('regrow opens a kit that age encrypted', { skip }, async (t) => {
  process.env.REGROW_PASSPHRASE = ''
  const own = memory()
  const kit = await ensureKit(own.buckets, cluster)
  const folder = t.testdir({ 'kit.json': Buffer.from(own.objects.get('kit.json') ?? '').toString() })
  const closed = await age(folder, '-p -o kit.json.age kit.json', [passphrase, passphrase])
  t.equal(closed.code, 0, closed.said)
  const { buckets, objects } = memory()
  objects.set('kit.json.age', readFileSync(join(folder, 'kit.json.age')))
  process.env.REGROW_PASSPHRASE = passphrase
  t.same(await readKit(buckets), kit)
})
