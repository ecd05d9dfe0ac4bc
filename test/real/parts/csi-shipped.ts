import { listAt } from '../../../sandbox/cluster/tree.ts'
import { csiManifests } from '../../../sandbox/upstream/csi.ts'
import { ordinary, patches } from '../../gitops/fixture.ts'
import { type Allowance, allowance, type Resources } from './memory-groups.ts'

/** The CSI driver's name, by which classes and volumes know it. */
export const driverName = 'dobs.csi.digitalocean.com'

/** A container of the CSI driver as it runs in a cluster. */
export interface ShippedContainer {
  memory: Allowance
  env: Record<string, string>
  args: string[]
}

/** Arguments of csi-digitalocean v4.18.0's `driver.yaml` and `snapshot-controller.yaml`, as they were read. */
const args: Record<string, string[]> = {
  'csi-provisioner': ['--csi-address=$(ADDRESS)', '--default-fstype=ext4', '--v=5'],
  'csi-attacher': ['--csi-address=$(ADDRESS)', '--v=5', '--reconcile-sync=30m', '--timeout=2m'],
  'csi-snapshotter': ['--csi-address=$(ADDRESS)', '--v=5'],
  'csi-resizer': [
    ...['--csi-address=$(ADDRESS)', '--timeout=30s', '--v=5'],
    '--handle-volume-inuse-error=false',
  ],
  'snapshot-controller': ['--v=5'],
}

/**
 * A container with the limit and the environment that our patches give to its place.
 * @param of its workload, where several have one of that name
 * @throws Error where there is none, or one without a limit
 */
export function shipped(name: string, of?: string): ShippedContainer {
  for (const workload of Object.values(csiManifests).flatMap((made) => made('v4.18.0'))) {
    if (of && workload.metadata.name !== of) continue
    const names = listAt(workload, 'spec', 'template', 'spec', 'containers').map((one) => one.name)
    const place = names.indexOf(name)
    if (place < 0) continue
    const ours = patches(ordinary).find((one) => one.name === workload.metadata.name)?.ops ?? []
    const at = `/spec/template/spec/containers/${place}`
    const { value } = ours.find((one) => one.path === `${at}/resources`) ?? {}
    const memory = allowance(value as Resources)
    const env = ours.filter((one) => one.path.startsWith(`${at}/env`)).flatMap((one) => one.value)
    if (!memory) throw new Error(`${name} has no limit`)
    return {
      // What is critical to the system does not swap; the snapshot controller is not.
      memory: name === 'snapshot-controller' ? memory : { ...memory, swap: 0 },
      env: Object.fromEntries((env as { name: string; value: string }[]).map((one) => [one.name, one.value])),
      args: args[name] ?? [],
    }
  }
  throw new Error(`no container ${name}`)
}
