import type { Cluster } from '../cluster.ts'
import type { Controller } from '../control.ts'
import { nodeDriver, provisioner, volumeLimit } from '../csi.ts'
import { textAt } from '../tree.ts'

/** Says in a CSINode of each machine how many volumes it takes, as the kubelet does for a driver that registers. */
export function csiNodes(cluster: Cluster): Controller {
  const { store } = cluster
  return {
    keys: ({ kind, thing }) => {
      if (kind.kind === 'DaemonSet' && thing.metadata.name === nodeDriver)
        return store.list('Node').map((node) => node.metadata.name)
      return kind.kind === 'Node' ? [thing.metadata.name] : []
    },
    reconcile: (name) => {
      const node = store.find('Node', undefined, name)
      const count = volumeLimit(cluster)
      if (!node || count === undefined) return
      const ids: unknown = JSON.parse(
        textAt(node, 'metadata', 'annotations', 'csi.volume.kubernetes.io/nodeid') || '{}',
      )
      const driver = {
        name: provisioner,
        nodeID: textAt({ ids }, 'ids', provisioner),
        topologyKeys: ['region'],
        allocatable: { count },
      }
      const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name, uid: node.metadata.uid }]
      store.apply(
        {
          apiVersion: 'storage.k8s.io/v1',
          kind: 'CSINode',
          metadata: { name, ownerReferences },
          spec: { drivers: [driver] },
        },
        { manager: 'kubelet' },
      )
    },
  }
}
