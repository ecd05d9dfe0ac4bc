import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import * as hints from '../../lib/base/hint.ts'
import type { Cluster } from '../../lib/cluster/cluster.ts'

const { beginScene, command, doctlHint, hint, kubectlHint, line, setScene, useKubeconfig, veleroHint } = hints
const cluster = (owner: string, repository: string, name = 'main') =>
  ({ name, login: 'bob', place: { owner, name: repository } }) as Cluster

/** Another command line and other variables for the rest of a test. */
function given(t: { teardown(end: () => void): void }, argv: string[], env: Record<string, string> = {}) {
  const before = { argv: process.argv, env: { ...process.env } }
  process.argv = [process.execPath, ...argv]
  for (const name of ['REGROW_SANDBOXED', 'REGROW_TOOLS', 'REGROW_RUN_BY', 'DIGITALOCEAN_TOKEN'])
    delete process.env[name]
  Object.assign(process.env, { REGROW_TOOLS: '/nowhere' }, env)
  t.teardown(() => {
    process.argv = before.argv
    for (const name of Object.keys(process.env)) delete process.env[name]
    Object.assign(process.env, before.env)
    beginScene({})
  })
}

t.test('a command is named with the flags that it needs', async (t) => {
  given(t, ['scale.mts'])
  t.equal(
    hint('scripts/status.mts', cluster('bob', 'regrow-main'), '--json'),
    './scripts/status.mts --name main --json',
  )
  t.equal(
    hint('scripts/status.mts', cluster('team', 'infra')),
    './scripts/status.mts --name main --repo team/infra',
  )
  t.equal(
    hint('scripts/seal.mts', cluster('bob', 'regrow-main'), '--save-certificate', "my key's.pem"),
    "./scripts/seal.mts --name main --save-certificate 'my key'\\''s.pem'",
  )
})

t.test('in the sandbox it stays there, by the flag and under its wrapper', async (t) => {
  given(t, ['scale.mts', '--sandbox'])
  const boxed = './restore.mts --name main --backup latest --sandbox'
  t.equal(hint('restore.mts', cluster('bob', 'regrow-main'), '--backup', 'latest'), boxed)
  given(t, ['scale.mts'], { REGROW_SANDBOXED: '1' })
  t.equal(hint('restore.mts', cluster('bob', 'regrow-main'), '--backup', 'latest'), boxed)
  t.equal(line('scripts/tools.mts', ['--name', 'main']), './scripts/tools.mts', 'which knows no cluster')
})

t.test('it is about the cluster of this run: as typed, then as described', async (t) => {
  given(t, ['scale.mts'])
  beginScene({ name: 'slow' })
  t.equal(command('scale.mts', '--ha'), './scale.mts --name slow --ha')
  beginScene({ name: 'slow', repo: 'team/infra' })
  t.equal(command('scale.mts'), './scale.mts --name slow --repo team/infra')
  setScene(cluster('team', 'infra', 'slow'))
  setScene(cluster('bob', 'regrow-copy', 'copy'))
  t.equal(command('scale.mts'), './scale.mts --name slow --repo team/infra', 'the first described is it')
  beginScene({})
  t.equal(command('scale.mts'), './scale.mts')
})

t.test('the same command is the one that was typed, or another where that would do more', async (t) => {
  given(t, ['scale.mts', '--name', 'slow', '--config', 'my file.yaml'])
  beginScene({ name: 'slow' })
  t.equal(hints.again(), 'the same command again')
  t.equal(hints.goesOn(), "./scale.mts --name slow --config 'my file.yaml'")
  hints.finishedBy(command('scale.mts'))
  t.equal(hints.again(), './scale.mts --name slow')
  t.equal(hints.goesOn(), './scale.mts --name slow')
  given(t, ['restore.mts', '--as', 'drill'], { REGROW_RUN_BY: './scripts/rehearse.mts' })
  beginScene({})
  t.equal(hints.goesOn(), './scripts/rehearse.mts', 'a script that another runs is not given by itself')
})

t.test('a tool acts on the account and the cluster that were meant', async (t) => {
  given(t, ['scale.mts'], { DIGITALOCEAN_TOKEN: 'dop_v1_x' })
  t.equal(
    doctlHint`compute droplet-action rename ${7} --droplet-name ${'a b'}`,
    "DIGITALOCEAN_ACCESS_TOKEN=$DIGITALOCEAN_TOKEN doctl --config /dev/null compute droplet-action rename 7 --droplet-name 'a b'",
  )
  const file = join(process.cwd(), 'kubeconfig-main.yaml')
  t.equal(kubectlHint(file)`get nodes -o wide`, 'kubectl --kubeconfig kubeconfig-main.yaml get nodes -o wide')
  t.equal(veleroHint('/a b/k.yaml')`backup logs ${'x'}`, "velero --kubeconfig '/a b/k.yaml' backup logs x")
  t.equal(useKubeconfig('/a/b-c/kubeconfig.yaml'), 'export KUBECONFIG=/a/b-c/kubeconfig.yaml')
  t.equal(useKubeconfig("/a b/c'd"), `export KUBECONFIG='/a b/c'\\''d'`)

  given(t, ['scale.mts', '--sandbox'], { DIGITALOCEAN_TOKEN: 'dop_v1_x' })
  t.equal(doctlHint`compute droplet list`, './scripts/sandbox.mts doctl compute droplet list')
  t.equal(
    kubectlHint('/w/kubeconfig-main.yaml')`get nodes`,
    './scripts/sandbox.mts kubectl --kubeconfig /w/kubeconfig-main.yaml get nodes',
  )
  t.match(useKubeconfig('/w/kubeconfig-main.yaml'), /^\.\/scripts\/sandbox\.mts kubectl .* get pods -A$/)
  t.same(hints.portForward('/w/kubeconfig-main.yaml'), [], 'nothing serves pages there')
})

t.test('a tool that was fetched is not looked for on the PATH', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'regrow-hint-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'bin'))
  writeFileSync(join(folder, 'bin', 'kubectl'), '')
  given(t, ['scale.mts'], { REGROW_TOOLS: join(folder, 'bin') })
  t.match(kubectlHint('/k')`get nodes`, /^\S+\/bin\/kubectl --kubeconfig \/k get nodes$/)
  t.match(veleroHint('/k')`backup get`, /^velero /)
})
