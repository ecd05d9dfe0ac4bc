import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { ask, watch } from './ask.ts'
import { api, operator, startFirst, until } from './cluster.ts'
import { maps, play, secret, wish } from './conversion.ts'
import { inOwnNetwork, without } from './ground.ts'

// REAL: k3s' server turns SQLite into etcd, asked by the node's own script. A watch is held open over it.

if (without) t.test('SQLite becomes etcd', { skip: without }, async () => {})
else {
  inOwnNetwork(import.meta.filename)
  t.test('SQLite becomes etcd', { timeout: 900_000 }, async (t) => {
    const machine = await startFirst(t)
    await play(60)
    const uid = (await api('/api/v1/namespaces/kube-system')).metadata.uid
    const before = Number((await api(maps)).metadata.resourceVersion)
    const held = watch(operator, `${maps}?watch=true&resourceVersion=${before}`)
    await until('the watch is open', () => held.status() === 200)

    await wish(machine)
    const since = performance.now()
    const { code, out, err } = await machine.script(['run', 'convert'])
    t.equal(code, 0, `${out}${err}`)
    t.comment(`${Math.round((performance.now() - since) / 1000)} s`)
    const files = (await machine.bash('ls /var/lib/rancher/k3s/server/db')).split('\n')
    t.ok(
      files.includes('etcd') && files.includes('state.db.migrated') && !files.includes('state.db'),
      files.join(),
    )
    t.equal((await api('/api/v1/namespaces/kube-system')).metadata.uid, uid, 'the same cluster')
    t.equal((await api<{ data: { word: string } }>(secret)).data.word, btoa('opensesame'), 'its Secret opens')
    t.match(
      await machine.bash(`grep -rlaE 'opensesame|b3BlbnNlc2FtZQ' /var/lib/rancher/k3s/server/db || :`),
      /^$/,
    )
    t.equal(await machine.bash('systemctl is-enabled k3s && echo yes'), 'yes')

    await until('the held watch ended', () => held.ended())
    const after = Number((await api(maps)).metadata.resourceVersion)
    t.ok(after < before, `the numbers went back: ${before}, then ${after}`)
    // What a program in a pod does that goes on with its old number, and one that starts anew.
    const blind = watch(operator, `${maps}?watch=true&resourceVersion=${before}`)
    const anew = watch(operator, `${maps}?watch=true&resourceVersion=${after}`)
    await until('both are open', () => blind.status() === 200 && anew.status() === 200)
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'seen' } }
    await api(maps, { method: 'POST', body })
    await until('who started anew sees it', () => anew.text().includes('"seen"'))
    await sleep(5000)
    t.equal(
      blind.text(),
      '',
      'who goes on with the old number is blind: therefore every machine is restarted',
    )
    for (const one of [blind, anew]) one.end()

    await machine.cut()
    await machine.boot()
    await until('it answers after a reboot', async () => (await ask(operator, '/readyz')).status === 200)
    t.equal((await api('/api/v1/namespaces/kube-system')).metadata.uid, uid, 'still the same')

    await wish(machine)
    const again = await machine.script(['run', 'convert'])
    t.equal(again.code, 0, `asked again it is done: ${again.out}${again.err}`)
    t.equal((await api('/api/v1/namespaces/kube-system')).metadata.uid, uid)
    t.equal((await ask(operator, '/readyz')).status, 200, 'and it goes on')
  })
}
