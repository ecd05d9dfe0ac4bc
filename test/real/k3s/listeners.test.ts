import t from 'tap'
import { makeCertificate, makeClusterAuthorities } from '#cloud-init/index.ts'
import { ask, type Caller } from './ask.ts'
import { api, authorities, operator, startFirst, tokens, until } from './cluster.ts'
import { addresses, inOwnNetwork, reserved, without } from './ground.ts'
import { Machine } from './machine.ts'

// REAL: k3s' server on etcd. What listens on its machine, and what that answers to whom. k3s' agent is not there, and so the
// kubelet's 10250 is not.

const { private: own } = addresses(1)

if (without) t.test('what a server answers to whom', { skip: without }, async () => {})
else {
  inOwnNetwork(import.meta.filename)
  t.test('what a server answers to whom', { timeout: 600_000 }, async (t) => {
    const machine = await startFirst(t, { datastore: 'etcd' })
    const listening = (await machine.bash(`ss -Hltn | awk '{print $4}' | sort -u`)).split('\n')
    const open = listening.filter((one) => !/^(127\.|\[::1\])/.test(one))
    t.same(open.sort(), ['*:6443', `${own}:2379`, `${own}:2380`].sort(), `of ${listening.join(' ')}`)

    // The world's address, by the reserved one and past the firewall, which is not here; and another droplet.
    const from = await Machine.make(t, 9)
    const nobody: Caller = { host: reserved }
    const status = async (who: Caller, path: string) => (await ask(who, path)).status
    t.same(await table(nobody), { '/ping': 200, '/cacerts': 200 }, 'whoever comes with nothing')
    t.equal((await ask(nobody, '/cacerts')).text, authorities.server.cert)

    const agentToken = { host: reserved, password: `node:${tokens.agent}` }
    const agentMay = await table(agentToken)
    t.match(agentMay, { '/v1-k3s/config': 200, '/v1-k3s/client-kube-proxy.crt': 200 })
    t.notOk(
      agentMay['/v1-k3s/server-bootstrap'] || agentMay['/api/v1/nodes'],
      'the agent token opens no more',
    )
    const proxy = (await ask(agentToken, '/v1-k3s/client-kube-proxy.crt')).text
    const [cert = '', key = ''] = proxy.split(/(?=-----BEGIN [A-Z ]*PRIVATE KEY)/)
    const byProxy = { host: reserved, cert, key }
    t.match(await table(byProxy), { '/api/v1/nodes': 200, '/api/v1/services': 200 })
    t.equal(await status(byProxy, '/api/v1/secrets'), 403)
    t.equal(await status(byProxy, '/api/v1/pods'), 403)

    const serverToken = { host: reserved, password: `server:${tokens.server}` }
    t.equal(await status(serverToken, '/v1-k3s/server-bootstrap'), 200, 'the server token opens the CAs')
    t.equal(await status({ host: reserved, password: 'node:wrong-0123456789' }, '/v1-k3s/config'), 401)
    t.equal(
      await status({ host: reserved, password: `server:${tokens.agent}` }, '/v1-k3s/server-bootstrap'),
      401,
    )

    const foreign = await makeClusterAuthorities({ now: new Date() })
    const forged = await makeCertificate(foreign.client, {
      ...{ now: new Date(), name: 'regrow-operator', organization: 'system:masters', usage: 'client' },
    })
    t.equal(
      await status({ host: reserved, ...forged }, '/api/v1/nodes'),
      401,
      'a certificate of another CA opens nothing',
    )

    await until(
      'a ServiceAccount is there',
      async () => (await ask(operator, '/api/v1/namespaces/default/serviceaccounts/default')).status === 200,
    )
    type Token = { status: { token: string } }
    const made = await api<Token>('/api/v1/namespaces/default/serviceaccounts/default/token', {
      method: 'POST',
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
    })
    const pod = { host: reserved, token: made.status.token }
    t.equal(await status(pod, '/version'), 200, 'a pod’s token is known from outside, too')
    t.equal(await status(pod, '/api/v1/nodes'), 403, 'and opens what its account may')

    // 2379 and 2380 are etcd's: without a certificate of its own CAs the connection ends, in one of curl's ways to say it.
    for (const port of [2379, 2380]) {
      const { code, out } = await from.run(['curl', '-sSk', '-m', '5', `https://${own}:${port}/version`])
      t.ok(code === 35 || code === 52 || code === 55 || code === 56, `${port} ends the handshake (${code})`)
      t.equal(out, '', 'and says nothing')
    }
    for (const closed of ['10250', '10257', '10259', '6444', '2381', '2382'])
      t.equal(
        (await from.run(['curl', '-sSk', '-m', '5', `https://${own}:${closed}/`])).code,
        7,
        `${closed} is closed`,
      )
  })
}

/** Which of these paths are answered with 200. */
async function table(who: Caller): Promise<Record<string, number>> {
  const paths = [
    ...['/ping', '/cacerts', '/healthz', '/readyz', '/version', '/api', '/apis', '/metrics', '/openapi/v2'],
    ...['/api/v1/nodes', '/api/v1/services', '/api/v1/secrets', '/api/v1/namespaces/kube-system/configmaps'],
    ...[
      '/v1-k3s/config',
      '/v1-k3s/readyz',
      '/v1-k3s/apiservers',
      '/v1-k3s/client-ca.crt',
      '/v1-k3s/server-bootstrap',
    ],
    ...[
      '/v1-k3s/client-kube-proxy.crt',
      '/v1-k3s/encrypt/status',
      '/v1-k3s/token',
      '/db/info',
      '/static/',
      '/debug/pprof/',
    ],
  ]
  const found = await Promise.all(
    paths.map(async (path): Promise<[string, number]> => [path, (await ask(who, path)).status]),
  )
  return Object.fromEntries(found.filter(([, status]) => status === 200))
}
