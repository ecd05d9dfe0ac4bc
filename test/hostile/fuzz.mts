import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { targets } from './fuzz/all.ts'
import { play } from './fuzz/target.ts'

// `npm run test:fuzz` plays ten thousand drawn inputs of each kind, each kind in a process of its own whose memory is
// measured; `npm run test:fuzz -- KIND FROM COUNT` those of these seeds. An input that does harm is told by its seed: once it
// is mended, it goes into fuzz/seeds.json, and every test plays it again.

const [only, from = '0', count = '10000'] = process.argv.slice(2)
const most = 300
const file = new URL('fuzz/seeds.json', import.meta.url)
const kept = z.record(z.string(), z.array(z.number())).parse(JSON.parse(readFileSync(file, 'utf8')))

if (only === undefined) {
  const script = fileURLToPath(import.meta.url)
  const codes = Object.keys(targets).map(
    (name) => spawnSync(process.execPath, [...process.execArgv, script, name], { stdio: 'inherit' }).status,
  )
  process.exit(codes.every((code) => code === 0) ? 0 : 1)
}

const target = targets[only]
if (!target) throw new Error(`there is no ${only}: ${Object.keys(targets).join(', ')}`)
const started = performance.now()
const seeds = [...(kept[only] ?? []), ...Array.from({ length: Number(count) }, (_, n) => Number(from) + n)]
const harm = await play(target, seeds)
const mib = Math.round(process.resourceUsage().maxRSS / 1024)
const seconds = ((performance.now() - started) / 1000).toFixed(0)
for (const { seed, why } of harm.slice(0, 20))
  process.stdout.write(`x ${only} ${seed}: ${JSON.stringify(why).slice(0, 1500)}\n`)
process.stdout.write(
  `${harm.length > 0 || mib > most ? 'x' : '+'} ${only}: ${seeds.length} inputs, ${harm.length} do harm, ${mib} MiB at most, ${seconds} s\n`,
)
process.exit(harm.length > 0 || mib > most ? 1 : 0)
