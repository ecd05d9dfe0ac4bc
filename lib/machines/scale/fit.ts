import type { Member } from '../../kubernetes/nodes.ts'
import type { Pod } from '../../kubernetes/pods.ts'

/**
 * Names the pods of leaving nodes for which the others have no room, by what they request, their node selector and
 * the volumes that a machine takes. An estimate: affinity and taints are the scheduler's.
 * @param places how many volumes of claims a machine takes, by its name
 */
export function homeless(
  members: readonly Member[],
  pods: readonly Pod[],
  leaving: readonly string[],
  places: (name: string) => number,
): string[] {
  const staying = members.filter((one) => one.ready && !one.unschedulable && !leaving.includes(one.name))
  const free = new Map(staying.map((one) => [one, { ...one.room, volumes: places(one.name) }]))
  const take = (room: Free, pod: Pod) => {
    room.cpu -= pod.cpu
    room.memory -= pod.memory
    room.pods -= 1
    room.volumes -= pod.volumes
  }
  for (const [one, room] of free) for (const pod of pods) if (pod.node === one.name) take(room, pod)
  const moving = pods
    .filter((pod) => leaving.includes(pod.node) && !pod.ofItsNode && !pod.alone)
    .toSorted((a, b) => b.memory - a.memory)
  return moving
    .filter((pod) => {
      const home = [...free].find(([one, room]) => matches(one, pod) && fits(room, pod))
      if (home) take(home[1], pod)
      return !home
    })
    .map((pod) => pod.name)
}

interface Free {
  cpu: number
  memory: number
  pods: number
  volumes: number
}

const matches = ({ labels }: Member, { selector }: Pod) =>
  Object.entries(selector).every(([label, value]) => labels[label] === value)

// A pod that asks for nothing of a kind fits however little is left of it.
const fits = (room: Free, pod: Pod) =>
  (pod.cpu === 0 || room.cpu >= pod.cpu) &&
  (pod.memory === 0 || room.memory >= pod.memory) &&
  (pod.volumes === 0 || room.volumes >= pod.volumes) &&
  room.pods >= 1
