#!/usr/bin/env -S npx tsx
// Prints how much there is of lib: files, lines and exports. `npm run check` shows it, so that nobody adds unseen.
import { readdirSync, readFileSync } from 'node:fs'

const lib = new URL('../lib/', import.meta.url)
const files = readdirSync(lib, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
const lines = files.flatMap((name) => readFileSync(new URL(name, lib), 'utf8').trimEnd().split('\n'))
const exported = lines.filter((line) => line.startsWith('export ')).length
process.stdout.write(`lib: ${files.length} files, ${lines.length} lines, ${exported} exports\n`)
