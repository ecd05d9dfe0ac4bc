import { connect } from 'node:tls'
import t from 'tap'
import { authorityFiles } from '#cloud-init/index.ts'
import { ask } from './ask.ts'
import { api, authorities, kubeconfig, operator, startFirst, until } from './cluster.ts'
import { addresses, inOwnNetwork, reserved, without } from './ground.ts'
import { Machine } from './machine.ts'

// REAL: k3s' server. It takes what the library renders: settings, authorities, policies, and the kubeconfig made beforehand.

const tls = '/var/lib/rancher/k3s/server/tls'
const server = '/var/lib/rancher/k3s/server'

if (without) t.test('k3s takes what the library renders', { skip: without }, async () => {})
else {
  inOwnNetwork(import.meta.filename)
  t.test('k3s takes what the library renders', { timeout: 600_000 }, async (t) => {
    const machine = await startFirst(t)
    const elsewhere = await Machine.make(t, 9)
    await elsewhere.write('/root/kubeconfig', kubeconfig)

    const { code, out, err } = await elsewhere.run([
      ...['k3s', 'kubectl', '--kubeconfig', '/root/kubeconfig', 'get', 'nodes', '-o', 'wide'],
    ])

    t.equal(code, 0, err)
    t.match(out, /main-1 +Ready/, 'the kubeconfig known beforehand opens it')
    t.comment(JSON.parse((await ask(operator, '/version')).text).gitVersion)

    const expected = authorityFiles(authorities)
    for (const [file, text] of Object.entries(expected))
      t.equal(`${await machine.bash(`cat ${tls}/${file}`)}\n`, text, `${file} is as it was given`)

    const names = await serverNames()
    t.comment(names.join(', '))
    const { private: own } = addresses(1)
    for (const name of ['DNS:main.regrow.internal', 'DNS:main-1', 'DNS:kubernetes', `IP Address:${own}`])
      t.ok(names.includes(name), `the certificate has ${name}`)
    t.ok(names.includes(`IP Address:${reserved}`), 'and the reserved address')
    await ask({ ...operator, serverName: 'thief.example' }, '/version').then(
      () => t.fail('answered'),
      (error: Error) => t.match(error.message, 'altnames', 'whoever asks for another name gets none'),
    )
    t.same(await serverNames(), names, 'nor is that name taken into it')

    type Endpoints = { subsets: { addresses: { ip: string }[] }[] }
    const endpoints = await api<Endpoints>('/api/v1/namespaces/default/endpoints/kubernetes')
    t.same(
      endpoints.subsets.flatMap((one) => one.addresses.map(({ ip }) => ip)),
      [own],
      'pods reach the API by the private address',
    )

    type List = { items: { metadata: { name: string } }[] }
    const deployments = () => api<List>('/apis/apps/v1/namespaces/kube-system/deployments')
    await until('CoreDNS is there', async () => (await deployments()).items.length > 0)
    t.same(
      (await deployments()).items.map(({ metadata }) => metadata.name),
      ['coredns'],
      'nothing that is disabled',
    )

    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'wild' },
      spec: { containers: [{ name: 'one', image: 'none', securityContext: { privileged: true } }] },
    }
    const path = '/api/v1/namespaces/default'
    await until(
      'it has a ServiceAccount',
      async () => (await ask(operator, `${path}/serviceaccounts/default`)).status === 200,
    )
    const made = await ask(operator, `${path}/pods`, { method: 'POST', body: pod })
    t.equal(made.status, 201, 'a privileged pod is made')
    t.match(
      made.warnings.join().replaceAll('\\', ''),
      'would violate PodSecurity "baseline:latest": privileged',
    )

    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'key' },
      stringData: { word: 'opensesame' },
    }
    const map = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'plain' },
      data: { word: 'readbyanybody' },
    }
    for (const [kind, body] of [
      ['secrets', secret],
      ['configmaps', map],
    ] as const)
      t.equal((await ask(operator, `${path}/${kind}`, { method: 'POST', body })).status, 201)
    const files = (word: string) => machine.bash(`grep -rlaE '${word}' ${server}/db || :`)
    t.match(await files('readbyanybody'), 'db/state.db', 'what is no secret is found in the database')
    t.equal(await files('opensesame|b3BlbnNlc2FtZQ'), '', 'a Secret is not')

    const log = `${server}/logs/audit.log`
    await until('who made the Secret is in the audit log', async () =>
      /"verb":"create".*regrow-operator.*"name":"key"/.test(await machine.bash(`cat ${log}`)),
    )
    t.equal(await machine.bash(`grep -c opensesame ${log} || :`), '0', 'and not what is in it')
    t.equal(await machine.bash(`stat -c %a ${log}`), '600')
    t.match(await machine.bash('cat /var/log/k3s.log'), '--terminated-pod-gc-threshold=10')
    for (const file of [
      `${tls}/server-ca.key`,
      '/etc/rancher/k3s/config.yaml',
      '/etc/rancher/k3s/k3s.yaml',
      `${server}/token`,
    ])
      t.equal(await machine.bash(`stat -L -c %a ${file}`), '600', file)

    const before = await api('/api/v1/namespaces/kube-system')
    await machine.cut()
    await machine.boot()
    await until('it answers after a power cut', async () => (await ask(operator, '/readyz')).status === 200)
    t.equal(
      (await api('/api/v1/namespaces/kube-system')).metadata.uid,
      before.metadata.uid,
      'the same cluster',
    )
    for (const [file, text] of Object.entries(expected))
      t.equal(`${await machine.bash(`cat ${tls}/${file}`)}\n`, text, `${file} still`)
  })
}

function serverNames(): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: reserved, port: 6443, rejectUnauthorized: false }, () => {
      resolve((socket.getPeerCertificate().subjectaltname ?? '').split(', ').sort())
      socket.destroy()
    })
    socket.once('error', reject)
  })
}
