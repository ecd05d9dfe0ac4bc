import { chmodSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openTestBox } from '../../flows/box.ts'
import { ownFlows } from '../../flows/own.ts'

// Each example, and the flow that docs/own-flows.md leads through, in one SIMULATED world.

t.setTimeout(600_000)
const box = await openTestBox(t)
const own = ownFlows(t)
const manifest = `
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: app, image: docker.io/library/busybox}]
`
const droplets = async () =>
  (await box.cloud('GET', '/v2/droplets')).droplets as { id: number; name: string }[]

t.test('with-app: a cluster with an app of one’s own', async (t) => {
  t.match(await box.run('examples/with-app.mts', ['empty']), { code: 2, err: /empty holds no \*\.yaml/ })
  mkdirSync(join(box.dir, 'shop'))
  box.file('shop/all.yaml', manifest)
  const ended = await box.run('examples/with-app.mts', ['shop', '--json'])
  t.equal(ended.code, 0, ended.err)
  t.match(JSON.parse(ended.out), { app: 'shop', pods: [/^pod\/web-/] })
})

t.test('nightly-report: on the screen, or as a mail', async (t) => {
  const wanted =
    /^main-1 +Ready [\s\S]+\nmachines +\$12\.00 a month\nlast backup +main-first, \d+ \w+ old\n$/m
  const shown = await box.run('examples/nightly-report.mts')
  t.equal(shown.code, 0, shown.err)
  t.match(shown.out, wanted)
  mkdirSync(join(box.dir, 'bin'))
  box.file('bin/mail', '#!/bin/sh\necho "$@" > sent; cat >> sent\n')
  chmodSync(join(box.dir, 'bin', 'mail'), 0o755)
  const env = { PATH: `${join(box.dir, 'bin')}:${box.env.PATH}` }
  t.match(await box.run('examples/nightly-report.mts', ['--mail', 'me@example.org'], { env }), {
    code: 0,
    out: '',
  })
  const sent = readFileSync(join(box.dir, 'sent'), 'utf8')
  t.match(sent, /^-s cluster main me@example\.org\n/)
  t.match(sent, wanted)
})

t.test('docs/own-flows.md: the flow that it leads through', async (t) => {
  const page = readFileSync('docs/own-flows.md', 'utf8')
  const [, text = ''] = /```ts\n([\s\S]+?)```/.exec(page) ?? []
  const [, wrong = '', said = ''] = /```text\n\$ (.+)\n([\s\S]+?)```/.exec(page) ?? []
  const [copied = '', started = ''] = [...page.matchAll(/```sh flows\n(.+)\n```/g)].map(([, line]) => line)
  const [, from = '', to = ''] = copied.split(' ')
  own.copy(from, to)
  const [first = ''] = readFileSync(from, 'utf8').split('\n')
  t.ok(text.trim().split('\n').length <= 13, 'it is short')
  own.write(to, `${first}\n${text}`)
  t.match(await own.run(wrong, box.env), { code: 2, out: '', err: said })
  const ended = await own.run(started, box.env)
  t.equal(ended.code, 0, ended.err)
  t.match(ended.out, /\bnode\/main-1 +Ready [\s\S]+\bshop +pod\/web-/)
})

t.test('patch-node: everything moves off, and comes back', async (t) => {
  const two = await box.run('scale.mts', ['--add', '1', '--yes'])
  t.equal(two.code, 0, two.err)
  t.match(await box.run('examples/patch-node.mts', ['main-9']), {
    code: 2,
    err: /name one of main-1, main-2/,
  })
  const id = (await droplets()).find(({ name }) => name === 'main-2')?.id
  const ended = await box.run('examples/patch-node.mts', ['main-2', '--yes'])
  t.equal(ended.code, 0, ended.err)
  t.match(
    ended.err,
    /~ node main-2 {2}drained[\s\S]+~ droplet main-2 {2}powered on[\s\S]+~ node main-2 {2}takes pods again/,
  )
  const actions = ended.requests.filter(
    (one) => one.method === 'POST' && one.path === `/v2/droplets/${id}/actions`,
  )
  t.equal(actions.length, 2, 'off, and on')
  t.ok(
    ended.requests.some(({ path }) => /\/git\/refs|\/git\/commits/.test(path)),
    'it held the lock',
  )
})

t.test('second-environment: staging, with the apps of the first', async (t) => {
  const ended = await box.run('examples/second-environment.mts', ['--json'])
  t.equal(ended.code, 0, ended.err)
  t.match(ended.err, /^staging becomes a copy of main; its machines cost as much again\nGo on\? yes/m)
  t.match(JSON.parse(ended.out), { environment: 'staging', nodes: [/^node\/staging-/] })
  own.write(
    'look.mts',
    `import { kubectl, openCluster, run } from '#flow'
await run({ about: 'Looks.' }, async () => {
  const { kube } = await openCluster({ name: 'staging' })
  const label = await kubectl(kube)\`get namespace default -o "jsonpath={.metadata.labels.environment}"\`
  return { label: label.text, pods: (await kubectl(kube)\`get pods -n shop -o name\`).text }
})
`,
  )
  const seen = await own.run('node --import ./lib/commands/start.mjs ./look.mts', box.env)
  t.match(seen, { code: 0, out: /^label +staging\npods +pod\/web-/ }, seen.err)
})
