import type { Cluster } from '../cluster.ts'
import { type Controller, keyOf, split } from '../control.ts'
import { nodeReady } from '../nodes.ts'
import { listAt, textAt } from '../tree.ts'

/** As k3s' servicelb: a LoadBalancer gets the outer addresses of the nodes; an Ingress those of its controller. */
export function services({ store }: Cluster): Controller {
  return {
    keys: ({ kind, thing }) => {
      if (kind.kind === 'Service' || kind.kind === 'Ingress') return [`${kind.kind} ${keyOf(thing)}`]
      if (kind.kind !== 'Node') return []
      return store.list('Service').map((one) => `Service ${keyOf(one)}`)
    },
    reconcile: (key) => {
      const [kind = '', at = ''] = key.split(' ')
      const [namespace, name] = split(at)
      const thing = store.find(kind, namespace, name)
      if (!thing) return
      const balancers = store.list('Service').filter((one) => textAt(one, 'spec', 'type') === 'LoadBalancer')
      if (kind === 'Ingress') {
        const ingress = balancers.flatMap((one) => listAt(one, 'status', 'loadBalancer', 'ingress'))
        if (ingress.length > 0) store.setStatus(kind, namespace, name, { loadBalancer: { ingress } })
      } else if (textAt(thing, 'spec', 'type') === 'LoadBalancer') {
        const outer = store
          .list('Node')
          .filter(nodeReady)
          .flatMap((node) => listAt(node, 'status', 'addresses').filter((one) => one.type === 'ExternalIP'))
        const ingress = outer.map(({ address }) => ({ ip: address, ipMode: 'VIP' }))
        store.setStatus(kind, namespace, name, { loadBalancer: { ingress } })
        for (const one of store.list('Ingress'))
          store.setStatus('Ingress', one.metadata.namespace, one.metadata.name, { loadBalancer: { ingress } })
      }
    },
  }
}
