import t from 'tap'
import { authorityFiles, makeClusterAuthorities } from '#cloud-init/index.ts'
import { bundleWish } from '../../../cloud-init/test/sample.ts'
import { ask } from './ask.ts'
import { api, authorities, droplet, joiningServer, operator, startFirst, tokens, until } from './cluster.ts'
import { addresses, inOwnNetwork, without } from './ground.ts'
import { playKubelet } from './kubelet.ts'
import { Machine } from './machine.ts'

// REAL: k3s' servers. Two join the first by the token with its hash; one with a wrong token and one of another cluster do not.

const tls = '/var/lib/rancher/k3s/server/tls'
type Nodes = { items: { metadata: { name: string; labels: Record<string, string> } }[] }

if (without) t.test('servers join', { skip: without }, async () => {})
else {
  inOwnNetwork(import.meta.filename)
  t.test('servers join', { timeout: 900_000 }, async (t) => {
    const first = await startFirst(t, { datastore: 'etcd' })
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'key' },
      stringData: { word: 'opensesame' },
    }
    const secrets = '/api/v1/namespaces/default/secrets'
    await api(secrets, { method: 'POST', body: secret })

    const wrong = { ...tokens, server: 'wrong-token-0123456789abcdef' }
    t.match(
      await refusal(await droplet(t, 6, joiningServer(6, { tokens: wrong }))),
      /401|not authorized|Unauthorized/i,
    )
    const foreign = await Machine.make(t, 7)
    const others = await makeClusterAuthorities({ now: new Date() })
    await foreign.unpack(bundleWish(joiningServer(7), { authorities: others }))
    t.match(await refusal(foreign), 'token CA hash does not match the Cluster CA certificate hash')

    const second = await join(2)
    const third = await join(3)
    await until('three are members', async () => (await members()).length === 3)
    for (const machine of [second, third])
      for (const [file, text] of Object.entries(authorityFiles(authorities)))
        t.equal(`${await machine.bash(`cat ${tls}/${file}`)}\n`, text, `${file} came with the token`)
    for (const nth of [2, 3])
      t.equal(
        (await askAt(nth, `${secrets}/key`)).data?.word,
        btoa('opensesame'),
        `server ${nth} opens Secrets`,
      )

    await first.cut()
    await until('the others go on', async () => (await askAt(2, `${secrets}/key`)).data !== undefined)
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'meanwhile' } }
    const path = '/api/v1/namespaces/default/configmaps'
    const made = await ask({ ...operator, host: addresses(2).public }, path, { method: 'POST', body: map })
    t.equal(made.status, 201, 'and take what is written')
    await first.boot()
    await until('the first is back', async () => (await ask(operator, `${path}/meanwhile`)).status === 200)

    await api('/api/v1/nodes/main-3', { method: 'DELETE' })
    await until('a node that is deleted is no member', async () =>
      /removed member/.test(await first.bash('grep -h "remov" /var/log/k3s.log || :')),
    )
    t.comment(await first.bash('grep -h "remov" /var/log/k3s.log | tail -n 3'))

    async function join(nth: number): Promise<Machine> {
      const machine = await droplet(t, nth, joiningServer(nth))
      playKubelet(t, operator, `main-${nth}`, machine)
      const { code, out, err } = await machine.install()
      t.equal(
        code,
        0,
        `main-${nth} joins: ${out.trim().split('\n').at(-1)} ${code === 0 ? '' : err.slice(-2000)}`,
      )
      const log = await machine.bash('cat /var/log/k3s.log')
      t.notMatch(log, 'does not include a CA hash', 'its token carries the hash wherever it is used')
      return machine
    }
  })
}

/** What k3s says of a server that may not join. */
async function refusal(machine: Machine): Promise<string> {
  const installing = machine.install()
  const said = () => machine.bash(`grep -h 'level=fatal' /var/log/k3s.log || :`)
  await until('k3s ends', async () => (await said()) !== '')
  const text = await said()
  await machine.cut()
  await installing
  return text
}

async function members(): Promise<string[]> {
  const { items } = await api<Nodes>('/api/v1/nodes?labelSelector=node-role.kubernetes.io%2Fetcd%3Dtrue')
  return items.map(({ metadata }) => metadata.name)
}

/** Asks one of the servers by its own public address. */
async function askAt(nth: number, path: string): Promise<{ data?: { word: string } }> {
  const { status, text } = await ask({ ...operator, host: addresses(nth).public }, path)
  return status === 200 ? JSON.parse(text) : {}
}
