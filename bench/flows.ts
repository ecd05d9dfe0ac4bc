import { latencies as real } from '../sandbox/latencies.ts'
import type { Waits } from './chain.ts'

/** A flow that is measured at several paces of the cloud. */
export interface Flow {
  /** Command lines, from the project's folder, that bring about what it starts from; at no latency. */
  before: string[][]
  words: string[]
  /** What depends on what, whoever does it: by the cloud's rules, and by the waves that Git describes. */
  waits: Waits
}

/** From nothing to a droplet whose platform is healthy. */
const platform: Waits = {
  droplet: { seconds: real.createDroplet, after: [] },
  // Refused while the droplet is being made.
  address: { seconds: real.assignAddress, after: ['droplet'] },
  'cloud-init': { seconds: real.cloudInit, after: ['droplet'] },
  host: { seconds: real.prepareHost, after: ['cloud-init'] },
  k3s: { seconds: real.startK3s, after: ['host'] },
  'Argo CD': { seconds: real.startPod, after: ['k3s'] },
  // One after the other: a small machine starts one thing at a time, and backups need the disks' snapshots.
  'sealed-secrets': { seconds: real.startPod, after: ['Argo CD'] },
  'CSI driver': { seconds: real.startPod, after: ['sealed-secrets'] },
  Velero: { seconds: real.startPod, after: ['CSI driver'] },
}

/** The app of apps, once the platform is there: what comes in before what it leads to. */
const apps: Waits = {
  Traefik: { seconds: real.startPod, after: ['Velero'] },
  'sample’s volume': { seconds: real.attachVolume, after: ['Traefik', 'CSI driver'] },
  sample: { seconds: real.startPod, after: ['sample’s volume'] },
}

/** Every flow that waits for the cloud. */
export const flows: Record<string, Flow> = {
  bootstrap: {
    before: [],
    words: ['bootstrap.mts', '--sandbox'],
    waits: {
      ...platform,
      ...apps,
      // It is to hold what the sample wrote.
      'first backup': { seconds: real.writeBackup, after: ['sample', 'Velero', 'address'] },
    },
  },
}
