import { spawnSync } from 'node:child_process'
import { createWriteStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { createGzip } from 'node:zlib'
import t from 'tap'
import { pack } from 'tar-stream'
import { tsx } from '../../flows/box.ts'
import { peakMemory } from './peak-memory.ts'

// What a backup of 20,000 objects with 300 claims takes of memory: its tarball, of objects that are made up here, is read
// in a process of its own, and compared with the same objects as kubectl lists them.

t.setTimeout(300_000) // on a machine that may be busy
const root = fileURLToPath(new URL('../../../', import.meta.url))
const dir = mkdtempSync(join(tmpdir(), 'regrow-objects-'))
t.teardown(() => rmSync(dir, { recursive: true, force: true }))

const reader = `
${peakMemory}
const { readFileSync } = await import('node:fs')
const { backedObjects } = await import('${root}lib/backup/objects.ts')
const { liveObjects } = await import('${root}lib/backup/proof/live.ts')
const { outcomes } = await import('${root}lib/backup/proof/outcome.ts')
const bucket = { name: 'b', get: async () => readFileSync('${dir}/b.tar.gz') }
const held = await backedObjects(bucket, 'b')
process.env.REGROW_TOOLS = '${dir}'
const live = await liveObjects({ file: '${dir}/none' }, held)
const none = { apps: new Map(), volumes: new Map(), unequal: new Map(), nodes: new Map(), dropped: new Map() }
const proofs = outcomes(held, { live, ...none, partial: false, beside: false })
const count = (outcome) => proofs.filter((one) => one.outcome === outcome).length
console.log(JSON.stringify({
  held: held.length,
  claims: held.filter((one) => one.storage).length,
  back: count('back'),
  missing: count('missing'),
  peak: peakMemory(),
}))
`

t.test('20,000 objects and 300 claims: every one is compared, in less than 250 MB', async (t) => {
  const lists: Record<string, object[]> = { configmaps: [], persistentvolumeclaims: [] }
  const tar = pack()
  const written = pipeline(tar, createGzip(), createWriteStream(join(dir, 'b.tar.gz')))
  for (let n = 0; n < 20_000; n++) {
    const isClaim = n < 300
    const [resource, kind] = isClaim
      ? ['persistentvolumeclaims', 'PersistentVolumeClaim']
      : ['configmaps', 'ConfigMap']
    const one = {
      apiVersion: 'v1',
      kind,
      metadata: { name: `one-${n}`, namespace: `space-${n % 50}`, labels: { app: 'crowd' } },
      ...(isClaim
        ? { spec: { resources: { requests: { storage: '1Gi' } } } }
        : { data: { text: `${n} `.repeat(200) } }),
    }
    lists[resource]?.push(one)
    tar.entry({ name: `resources/${resource}/namespaces/space-${n % 50}/one-${n}.json` }, JSON.stringify(one))
  }
  tar.finalize()
  await written
  const { configmaps = [], persistentvolumeclaims: items } = lists
  writeFileSync(join(dir, 'persistentvolumeclaims.json'), JSON.stringify({ metadata: {}, items }))
  for (let at = 0; at < configmaps.length; at += 500) {
    const next = at + 500 < configmaps.length ? { continue: String(at + 500) } : {}
    const page = { metadata: next, items: configmaps.slice(at, at + 500) }
    writeFileSync(join(dir, `page-${at}.json`), JSON.stringify(page))
  }
  // kubectl's place: it lists what lies in a file of the resource's name, or in that of a page.
  writeFileSync(
    join(dir, 'kubectl'),
    `#!/bin/sh
for word; do
  case $word in
    */persistentvolumeclaims?limit=500) exec cat "${dir}/persistentvolumeclaims.json" ;;
    */configmaps?limit=500) exec cat "${dir}/page-0.json" ;;
    */configmaps?limit=500*) exec cat "${dir}/page-\${word##*=}.json" ;;
  esac
done
exit 1
`,
    { mode: 0o755 },
  )
  const done = spawnSync(process.execPath, [...tsx, '--input-type=module', '-e', reader], {
    cwd: root,
    encoding: 'utf8',
  })
  t.equal(done.status, 0, done.stderr)
  const { peak, ...told } = JSON.parse(done.stdout)
  t.same(told, { held: 20_000, claims: 300, back: 20_000, missing: 0 })
  t.ok(peak < 250, `${peak} MB`)
  t.comment(`${peak} MB at most`)
})
