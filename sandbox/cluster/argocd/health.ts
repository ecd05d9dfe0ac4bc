import type { Store } from '../store.ts'
import { listAt, numberAt, type Thing, textAt, treeAt } from '../tree.ts'

/** Health as Argo CD names it, worst last. */
const grades = ['Healthy', 'Suspended', 'Progressing', 'Missing', 'Degraded', 'Unknown'] as const

/** One grade of health. */
export type Grade = (typeof grades)[number]

/** The worst grade; Healthy for none. */
export function worst(all: readonly Grade[]): Grade {
  return grades[Math.max(0, ...all.map((one) => grades.indexOf(one)))] ?? 'Unknown'
}

type Check = (thing: Thing) => Grade

const whole = (fine: boolean): Grade => (fine ? 'Healthy' : 'Progressing')
const condition = (thing: Thing, type: string) =>
  listAt(thing, 'status', 'conditions').find((one) => one.type === type)?.status
const phase =
  (good: string, bad: RegExp): Check =>
  (thing) => {
    const now = textAt(thing, 'status', 'phase')
    return bad.test(now) ? 'Degraded' : whole(now === good)
  }
const replicas: Check = (thing) => {
  const status = treeAt(thing, 'status')
  const wanted = numberAt(thing, 1, 'spec', 'replicas')
  const observed = numberAt(status, 0, 'observedGeneration') >= numberAt(thing, 1, 'metadata', 'generation')
  return whole(
    observed &&
      numberAt(status, 0, 'readyReplicas') >= wanted &&
      numberAt(status, 0, 'updatedReplicas') >= wanted,
  )
}
const balanced: Check = (thing) => whole(listAt(thing, 'status', 'loadBalancer', 'ingress').length > 0)

// What Argo CD assesses by itself.
const builtin: Record<string, Check> = {
  '/Pod': phase('Running', /Failed/),
  '/PersistentVolumeClaim': phase('Bound', /Lost/),
  '/Service': (thing) => (textAt(thing, 'spec', 'type') === 'LoadBalancer' ? balanced(thing) : 'Healthy'),
  'networking.k8s.io/Ingress': balanced,
  'apps/Deployment': replicas,
  'apps/StatefulSet': replicas,
  'apps/DaemonSet': (thing) => {
    const { numberReady, desiredNumberScheduled } = treeAt(thing, 'status')
    return whole(typeof numberReady === 'number' && numberReady === desiredNumberScheduled)
  },
  'batch/Job': (thing) =>
    condition(thing, 'Failed') === 'True' ? 'Degraded' : whole(condition(thing, 'Complete') === 'True'),
  'apiextensions.k8s.io/CustomResourceDefinition': (thing) =>
    whole(condition(thing, 'Established') === 'True'),
  'bitnami.com/SealedSecret': (thing) =>
    condition(thing, 'Synced') === 'False' ? 'Degraded' : whole(condition(thing, 'Synced') === 'True'),
}

// What counts only where `argocd-cm` brings a Lua script for it; the scripts themselves are not run here.
const byScript: Record<string, Check> = {
  'argoproj.io/Application': (thing) =>
    (textAt(thing, 'status', 'health', 'status') || 'Progressing') as Grade,
  'velero.io/BackupStorageLocation': (thing) =>
    textAt(thing, 'status', 'phase') === 'Unavailable'
      ? 'Degraded'
      : whole(textAt(thing, 'status', 'phase') === 'Available'),
  'velero.io/Schedule': phase('Enabled', /FailedValidation/),
  'velero.io/Restore': phase('Completed', /Failed/),
}

/** Health of one object; undefined where Argo CD has no opinion about its kind. */
export function healthOf(store: Store, thing: Thing): Grade | undefined {
  if (thing.metadata.deletionTimestamp) return 'Progressing'
  const group = thing.apiVersion.includes('/') ? thing.apiVersion.split('/')[0] : ''
  const own = builtin[`${group}/${thing.kind}`]
  if (own) return own(thing)
  const scripts = treeAt(store.find('ConfigMap', 'argocd', 'argocd-cm'), 'data')
  const isScripted =
    `resource.customizations.health.${group}_${thing.kind}` in scripts ||
    textAt(scripts, 'resource.customizations').includes(`${group}/${thing.kind}:`)
  return isScripted ? byScript[`${group}/${thing.kind}`]?.(thing) : undefined
}
