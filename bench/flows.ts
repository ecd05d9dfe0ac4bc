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

/** From an order to a machine on which k3s runs; `after` is what comes before the order. */
const machine = (name = '', after: readonly string[] = []): Waits => ({
  [`droplet${name}`]: { seconds: real.createDroplet, after },
  [`cloud-init${name}`]: { seconds: real.cloudInit, after: [`droplet${name}`] },
  [`host${name}`]: { seconds: real.prepareHost, after: [`cloud-init${name}`] },
  [`k3s${name}`]: { seconds: real.startK3s, after: [`host${name}`] },
})

/** From nothing to a droplet whose platform is healthy. */
const platform: Waits = {
  ...machine(),
  // Refused while the droplet is being made.
  address: { seconds: real.assignAddress, after: ['droplet'] },
  'Argo CD': { seconds: real.startPod, after: ['k3s'] },
  // One after the other: a small machine starts one thing at a time, and backups need the disks' snapshots.
  'sealed-secrets': { seconds: real.startPod, after: ['Argo CD'] },
  'CSI driver': { seconds: real.startPod, after: ['sealed-secrets'] },
  Velero: { seconds: real.startPod, after: ['CSI driver'] },
}

/** The app of apps, once what it stands on is there: what comes in before what it leads to. */
const apps = (after: string): Waits => ({
  Traefik: { seconds: real.startPod, after: [after] },
  'sample’s volume': { seconds: real.attachVolume, after: ['Traefik'] },
  sample: { seconds: real.startPod, after: ['sample’s volume'] },
})

const bootstrap = ['bootstrap.mts', '--sandbox']
const add = ['scale.mts', '--sandbox', '--add', '1']
/** A cluster, its backup, and the loss of everything but the buckets, the snapshots and Git. */
const lost = (volumes: string) => [
  bootstrap,
  ['scripts/backup.mts', '--sandbox', '--backup', 'whole', '--volumes', volumes],
  ['scripts/destroy.mts', '--sandbox', '--confirm', 'main'],
]
const restore = ['restore.mts', '--sandbox', '--backup', 'whole']
const objects: Waits = { objects: { seconds: real.restoreObjects, after: ['Velero', 'address'] } }

/** Every flow that waits for the cloud. */
export const flows: Record<string, Flow> = {
  bootstrap: {
    before: [],
    words: bootstrap,
    waits: {
      ...platform,
      ...apps('Velero'),
      // It is to hold what the sample wrote.
      'first backup': { seconds: real.writeBackup, after: ['sample', 'Velero', 'address'] },
    },
  },
  'restore from the bucket': {
    before: lost('s3'),
    words: restore,
    waits: {
      ...platform,
      ...objects,
      'volume’s bytes': { seconds: real.downloadVolume, after: ['objects'] },
      ...apps('volume’s bytes'),
    },
  },
  'restore from snapshots': {
    before: lost('snapshot'),
    words: restore,
    waits: { ...platform, ...objects, ...apps('objects') },
  },
  'scale --add': { before: [bootstrap], words: add, waits: machine() },
  'scale --replace': {
    before: [bootstrap, add],
    words: ['scale.mts', '--sandbox', '--replace', 'main-2'],
    // The fresh machine joins before the other leaves.
    waits: machine(),
  },
  'scale --size': {
    before: [bootstrap],
    words: ['scale.mts', '--sandbox', '--size', 's-2vcpu-4gb'],
    waits: {
      shutdown: { seconds: real.switchDroplet, after: [] },
      resize: { seconds: real.resizeDroplet, after: ['shutdown'] },
      'power on': { seconds: real.switchDroplet, after: ['resize'] },
      boot: { seconds: real.cloudInit, after: ['power on'] },
      k3s: { seconds: real.startK3s, after: ['boot'] },
    },
  },
  'scale --ha': {
    before: [bootstrap],
    words: ['scale.mts', '--sandbox', '--ha'],
    waits: {
      conversion: { seconds: real.startPod, after: [] },
      ...machine(' of the second', ['conversion']),
      // One server after the other.
      ...machine(' of the third', ['k3s of the second']),
    },
  },
  // Nothing that it waits for is the cloud's: its requests are what is looked at.
  'scale --remove': {
    before: [bootstrap, add],
    words: ['scale.mts', '--sandbox', '--remove', 'main-2'],
    waits: {},
  },
}
