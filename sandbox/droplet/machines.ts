import { behaviourOf } from '../behaviour.ts'
import type { ClusterDeps } from '../cluster/cluster.ts'
import { repositoriesOf } from '../cluster/git.ts'
import type { Machines } from '../machines.ts'
import type { World } from '../world.ts'
import { Fleet } from './fleet.ts'
import { install } from './install.ts'
import { Machine } from './machine.ts'
import { ordersIn } from './user-data.ts'

/**
 * Droplets of paper: they take user-data and bundle as sent, check what a real machine would stumble over, report by
 * the signed URLs (`simulated: true`) and serve a small Kubernetes API. Nothing is executed.
 */
export function paperMachines(
  world: World,
  deps: ClusterDeps = { repositories: repositoriesOf(world) },
): Machines {
  const fleet = new Fleet(world, deps)
  return {
    boot: async (hardware) => {
      const orders = ordersIn(hardware.userData)
      if (!orders || fleet.isOn(hardware.id)) return
      if (behaviourOf(world).silent.some((name) => new RegExp(name).test(hardware.name))) return
      const machine = new Machine(world, hardware, orders)
      fleet.add(machine)
      const whole = install(fleet, machine).catch((error: Error) => {
        if (machine.isOn) process.stderr.write(`! paper droplet ${hardware.name}: ${error.stack}\n`)
      })
      // Who opens a paused world finds its clusters up.
      if (machine.resumes && machine.disk.isDone('k3s')) await whole
    },
    halt: (dropletId) => fleet.powerOff(dropletId),
    destroy: (dropletId) => fleet.destroy(dropletId),
    route: (address, dropletId) => fleet.route(address, dropletId),
    // The volume's bytes lie in the world's folder whether it is plugged in or not.
    plug: async () => {},
  }
}
