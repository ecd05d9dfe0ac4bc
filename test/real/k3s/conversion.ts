import { api } from './cluster.ts'
import type { Machine } from './machine.ts'

/** Where the ConfigMaps and the Secret of these tests are. */
export const maps = '/api/v1/namespaces/default/configmaps'
export const secret = '/api/v1/namespaces/default/secrets/key'

/** Makes a Secret and ConfigMaps, and writes one of them many times. */
export async function play(count: number): Promise<void> {
  const kind = 'ConfigMap'
  const metadata = (name: string) => ({ name, namespace: 'default' })
  await api('/api/v1/namespaces/default/secrets', {
    method: 'POST',
    body: { apiVersion: 'v1', kind: 'Secret', metadata: metadata('key'), stringData: { word: 'opensesame' } },
  })
  for (let n = 0; n < count; n++)
    await api(maps, { method: 'POST', body: { apiVersion: 'v1', kind, metadata: metadata(`map-${n}`) } })
  for (let n = 0; n < 5 * count; n++)
    await api(`${maps}/map-0`, {
      method: 'PATCH',
      type: 'application/merge-patch+json',
      body: { data: { n: String(n) } },
    })
}

/** Asks the machine to convert its datastore, as the pod of `scale --ha` does; nobody wants a report. */
export async function wish(machine: Machine): Promise<void> {
  await machine.write('/var/lib/regrow/convert/wanted', '')
}
