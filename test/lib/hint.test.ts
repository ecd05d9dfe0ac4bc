import t from 'tap'
import type { Cluster } from '../../lib/cluster/cluster.ts'
import { exportKubeconfig, hint } from '../../lib/hint.ts'

const cluster = (owner: string, name: string) =>
  ({ name: 'main', login: 'bob', place: { owner, name } }) as Cluster

t.test('a command is named with the flags that it needs', async (t) => {
  t.equal(
    hint('scripts/status.mts', cluster('bob', 'regrow-main'), '--json'),
    './scripts/status.mts --name main --json',
  )
  t.equal(
    hint('scripts/status.mts', cluster('team', 'infra')),
    './scripts/status.mts --name main --repo team/infra',
  )
  const { argv } = process
  process.argv = [...argv, '--sandbox']
  t.teardown(() => {
    process.argv = argv
  })
  t.match(hint('restore.mts', cluster('bob', 'regrow-main')), /^\.\/restore\.mts --name main --sandbox$/)
})

t.test('the export line is what a shell reads as it is meant', async (t) => {
  t.equal(exportKubeconfig('/a/b-c/kubeconfig.yaml'), 'export KUBECONFIG=/a/b-c/kubeconfig.yaml')
  t.equal(exportKubeconfig("/a b/c'd"), `export KUBECONFIG='/a b/c'\\''d'`)
})
