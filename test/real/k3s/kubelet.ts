import { setTimeout as sleep } from 'node:timers/promises'
import { ask, type Caller } from './ask.ts'
import type { Machine } from './machine.ts'

/**
 * Plays the kubelet of a machine, as far as the node's scripts and k3s' controllers look at it: makes its Node, and says
 * every two seconds that it is ready, while its API answers.
 * @param name the node's name
 * @returns what ends it
 */
export function playKubelet(
  t: { teardown(end: () => void): unknown },
  who: Caller,
  name: string,
  { at }: Machine,
): void {
  let ended = false
  const beat = async () => {
    const path = `/api/v1/nodes/${name}`
    const now = new Date().toISOString()
    const known = await ask(who, path)
    if (known.status === 404)
      await ask(who, '/api/v1/nodes', {
        method: 'POST',
        body: {
          apiVersion: 'v1',
          kind: 'Node',
          metadata: { name, labels: { 'kubernetes.io/hostname': name } },
        },
      })
    await ask(who, `${path}/status`, {
      method: 'PATCH',
      type: 'application/strategic-merge-patch+json',
      body: {
        status: {
          addresses: [
            { type: 'InternalIP', address: at.private },
            { type: 'Hostname', address: name },
          ],
          conditions: [
            { type: 'Ready', status: 'True', reason: 'Played', message: '', lastHeartbeatTime: now },
          ],
        },
      },
    })
  }
  const run = async () => {
    while (!ended) {
      await beat().catch(() => {}) // k3s does not answer now
      await sleep(2000)
    }
  }
  t.teardown(() => {
    ended = true
  })
  void run()
}
