import { longestChain } from '../../bench/chain.ts'
import { flows } from '../../bench/flows.ts'
import { latencies } from '../../sandbox/latencies.ts'

/** Something that a script told, and the seconds it took. */
export interface Wait {
  what: string
  seconds: number
}

/** Leaves out what is another in every play. */
const plain = (what: string) =>
  what
    .replace(/\d+(\.\d+){3}/, 'IP')
    .replace(/pvc-[0-9a-f-]{36}/, 'pvc-…')
    .replace(/NAME-[0-9a-f]{10}-/, 'NAME-')

/** The lines of a script's story that tell seconds, with the cluster's name left out. */
export function waitsIn(story: string, cluster: string): Wait[] {
  return story.split('\n').flatMap((line) => {
    const [, text = '', seconds] = /^[+=~-] (.+?) {2}(?:.* {2})?(\d+(?:\.\d+)?) s$/.exec(line) ?? []
    const what = text.replaceAll(`regrow-${cluster}`, 'NAME').replaceAll(cluster, 'NAME')
    return seconds === undefined ? [] : [{ what: plain(what), seconds: Number(seconds) }]
  })
}

const estimates: [RegExp, number][] = [
  [/^droplet /, latencies.createDroplet],
  [/^address /, latencies.assignAddress],
  [/: started$/, latencies.cloudInit],
  [/: host$/, latencies.prepareHost],
  [/: k3s$/, latencies.startK3s],
  [/^application (?!root|platform)/, latencies.startPod],
  [/^backup /, latencies.writeBackup],
  [/^volume .*(byte|back)/, latencies.downloadVolume],
]

/** What the sandbox and the docs estimate for such a wait, in seconds. */
export const estimateOf = (what: string): number | undefined =>
  estimates.find(([which]) => which.test(what))?.[1]

/** The steps, by their names, whose longest chain of waits the bench knows. */
const chains: Record<string, string> = {
  bootstrap: 'bootstrap',
  restore: 'restore from the bucket',
  'scale out': 'scale --add',
}

/** The seconds that a step's longest chain of waits takes, by the estimates. */
export function stepEstimate(step: string): number | undefined {
  const flow = flows[chains[step] ?? '']
  return flow && longestChain(flow.waits).seconds
}
