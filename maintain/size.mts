#!/usr/bin/env -S npx tsx
// Prints how much there is of the library and of the package beside it: files, lines and exports. `npm run check` shows
// it, so that nobody adds unseen.
import { readdirSync, readFileSync } from 'node:fs'

for (const folder of ['lib', 'cloud-init/src']) {
  const place = new URL(`../${folder}/`, import.meta.url)
  const files = readdirSync(place, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  )
  const lines = files.flatMap((name) => readFileSync(new URL(name, place), 'utf8').trimEnd().split('\n'))
  const exported = lines.filter((line) => line.startsWith('export ')).length
  process.stdout.write(`${folder}: ${files.length} files, ${lines.length} lines, ${exported} exports\n`)
}
