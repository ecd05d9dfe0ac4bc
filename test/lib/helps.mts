import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

// Asks every script that begins with `run` for its help, in this one process (starting each would take ten seconds), and
// prints what they said as JSON: by script, by flag.

const root = fileURLToPath(new URL('../../', import.meta.url))
const scripts = ['', 'scripts', 'examples'].flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.mts') && name !== 'sandbox.mts')
    .map((name) => join(folder, name)),
)
const { write } = process.stdout
const said: Record<string, Record<string, string>> = {}
for (const stream of [process, process.stdout, process.stderr]) stream.setMaxListeners(0)
for (const script of scripts)
  for (const flag of ['--help', '-h', '--version']) {
    const words: string[] = []
    process.stdout.write = (text: unknown) => words.push(String(text)) > 0
    process.argv = [process.execPath, join(root, script), flag]
    await import(`${pathToFileURL(join(root, script)).href}?${flag}`)
    said[script] = { ...said[script], [flag]: words.join('') }
  }
process.stdout.write = write
process.stdout.write(JSON.stringify(said))
