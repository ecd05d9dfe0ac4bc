import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { renderRepository } from '../../../lib/gitops/render.ts'
import { ordinary } from '../../gitops/fixture.ts'
import { lacking, program } from '../parts/parts.ts'

// GitHub never ran our workflows; the REAL actionlint reads them, and shellcheck the scripts in them.

const root = fileURLToPath(new URL('../../../', import.meta.url))
const skip = lacking('actionlint')

/** Reads workflows as GitHub finds them, in a folder of their own. */
function lint(t: Test, workflows: Record<string, string>) {
  const dir = mkdtempSync(join(tmpdir(), 'regrow-workflows-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  const folder = join(dir, '.github', 'workflows')
  mkdirSync(folder, { recursive: true })
  for (const [name, text] of Object.entries(workflows)) writeFileSync(join(folder, name), text)
  const files = Object.keys(workflows).map((name) => join(folder, name))
  return spawnSync(program('actionlint'), ['-no-color', ...files], { cwd: dir, encoding: 'utf8' })
}

t.test('our workflows, and the rehearsal that a person may copy', { skip }, async (t) => {
  const own = ['ci.yml', 'real.yml', 'first-contact.yaml'].map((name) => [
    name,
    readFileSync(join(root, '.github', 'workflows', name), 'utf8'),
  ])
  const rehearsal = renderRepository(ordinary)['extras/rehearse.yaml'] ?? ''
  const said = lint(t, { ...Object.fromEntries(own), 'rehearse.yaml': rehearsal })
  t.equal(said.status, 0, said.stdout + said.stderr)
})

t.test('one that GitHub would refuse is named', { skip }, async (t) => {
  const said = lint(t, { 'wrong.yml': 'on: push\njobs: {one: {steps: [{run: echo}]}}\n' })
  t.equal(said.status, 1)
  t.match(said.stdout, /"runs-on" section is missing/)
})
