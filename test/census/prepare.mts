// Builds the world that the attempts of between.ts begin in: a cluster with data, backed up; with `wiped` it is lost then.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { here } from '../faults/world.ts'
import { asTyped, tsx } from '../flows/box.ts'
import { keepTaken, scene } from './between.ts'
import { type Ground, happen, prepare } from './play.ts'

const dir = process.cwd()
const env = Object.fromEntries(Object.entries(process.env).map(([name, value = '']) => [name, value]))
const ground: Ground = {
  home: join(dir, '.sandbox'),
  env,
  breaks: () => {},
  run: async ([command = '', ...words]) => {
    const line = [process.execPath, ...tsx, join(here.root, command), ...words]
    const child = spawn(...asTyped(line), { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'], env })
    const ended = new Promise<number | null>((done) => child.once('exit', done))
    const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
    return { code, out, err }
  },
}
keepTaken(dir, await prepare(ground, scene))
if (process.argv[2] === 'wiped') await happen(ground, ['wipe'])
