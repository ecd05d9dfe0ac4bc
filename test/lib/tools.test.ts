import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { z } from 'zod'
import { doctl, helm, kubectl, velero } from '../../lib/clients/tools.ts'

// Programs in place of the four tools tell what they were called with.
const folder = t.testdir()
for (const tool of ['doctl', 'kubectl', 'helm', 'velero']) {
  writeFileSync(join(folder, tool), '#!/bin/sh\necho "$@"\nenv\n')
  chmodSync(join(folder, tool), 0o755)
}
Object.assign(process.env, {
  REGROW_TOOLS: folder,
  DIGITALOCEAN_TOKEN: 'dop_v1_mine',
  GITHUB_TOKEN: 'ghp_mine0000',
  DIGITALOCEAN_CONTEXT: 'work',
  AWS_PROFILE: 'work',
  KUBECONFIG: '/elsewhere',
  HELM_NAMESPACE: 'elsewhere',
})
const kube = { file: '/one' }
const [words, environment] = [0, 1].map((part) => ({ text }: { text: string }) => {
  const lines = text.trim().split('\n')
  return part === 0 ? (lines[0] ?? '') : lines.slice(1).join('\n')
}) as [(one: { text: string }) => string, (one: { text: string }) => string]

t.test('doctl uses no configuration file and repeats nothing', async (t) => {
  const said = await doctl`account get`
  t.equal(words(said), '--config /dev/null --http-retry-max 0 --output json account get')
  t.match(environment(said), /^DIGITALOCEAN_ACCESS_TOKEN=dop_v1_mine$/m)
})

t.test('kubectl and velero go to our cluster', async (t) => {
  t.equal(words(await kubectl(kube)`get pods`), '--kubeconfig /one get pods')
  t.equal(words(await velero(kube)`backup get`), '--kubeconfig /one --namespace velero backup get')
})

t.test('what is read as JSON is held against what is expected of it', async (t) => {
  const said = await kubectl(kube)`get pods -o json`
  t.throws(() => said.json(z.object({})), /printed something else than expected/)
  t.throws(() => said.json(undefined as never), /is read by json\(\) without a schema/)
})

t.test('a template without what it is for is named, and not silently dropped', async (t) => {
  const bare = (template: unknown) => () => (template as (pieces: TemplateStringsArray) => unknown)`get pods`
  t.throws(bare(kubectl), { message: '“get pods” was not run', cure: 'Write kubectl(kube)`get pods`.' })
  t.throws(bare(velero), { message: '“get pods” was not run', cure: 'Write velero(kube)`get pods`.' })
  t.throws(bare(helm), { message: '“get pods” was not run', cure: 'Write helm()`get pods`.' })
})

t.test('nothing of the caller leads a tool elsewhere', async (t) => {
  for (const said of [await doctl`account get`, await kubectl(kube)`get pods`, await helm()`version`])
    t.notMatch(
      environment(said),
      /^(DIGITALOCEAN_CONTEXT|AWS_PROFILE|KUBECONFIG|HELM_NAMESPACE|GITHUB_TOKEN)=/m,
    )
})
