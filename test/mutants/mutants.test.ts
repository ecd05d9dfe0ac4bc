import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { mutants } from './mutants.ts'

// `npm run test:mutants` breaks the code in each of these ways, which takes an hour. That it could is seen here.

const root = join(import.meta.dirname, '..', '..')

t.test('each mutant changes one place, and names a test that there is', async (t) => {
  for (const { name, file, from, test } of mutants) {
    t.equal(readFileSync(join(root, file), 'utf8').split(from).length - 1, 1, `${name}: ${file}`)
    t.ok(existsSync(join(root, test)), `${name}: ${test}`)
  }
  t.equal(new Set(mutants.map(({ name }) => name)).size, mutants.length, 'no two have one name')
})
