import { z } from 'zod'
import { Problem } from '../../base/problem.ts'
import type { Manifest } from '../tarball.ts'

/** Something would run, and nothing is known that keeps it from that. */
export class CannotSleep extends Problem {
  constructor(kind: string) {
    super(`a ${kind} would run: nothing is known that lets it sleep`)
  }
}

const tree = z.looseObject({})

/** What runs as soon as it is there, or has others run it: pods, what Argo CD, k3s' Helm and Velero act on. */
const awake =
  /^(Pod|Job|PodTemplate|Application|ApplicationSet|HelmChart|Restore|Backup|Schedule|DataUpload|DataDownload|PodVolume(Backup|Restore)|VolumeSnapshot|VolumeSnapshotContent|(Validating|Mutating)(WebhookConfiguration|AdmissionPolicy|AdmissionPolicyBinding)|APIService)$/
/** Groups of which every other kind is data, rights or a rule about what runs elsewhere. */
const quiet =
  /^(|autoscaling|policy|[a-z.-]+\.k8s\.io|bitnami\.com|velero\.io|argoproj\.io|(k3s|helm)\.cattle\.io)$/

/**
 * A workload that does nothing: without replicas, suspended, or bound to nodes that there are none of. Data stays as it is;
 * so does what belongs to programs of a person's, because these sleep themselves.
 * @throws CannotSleep for a kind that runs otherwise
 */
export function asleep(one: Manifest): Manifest {
  const spec = tree.parse(one.spec ?? {})
  const group = one.apiVersion.includes('/') ? (one.apiVersion.split('/')[0] ?? '') : ''
  if (group === 'batch' && one.kind === 'CronJob') return { ...one, spec: { ...spec, suspend: true } }
  if (/^(Deployment|StatefulSet|ReplicaSet|ReplicationController)$/.test(one.kind) && /^(apps|)$/.test(group))
    return { ...one, spec: { ...spec, replicas: 0 } }
  if (group === 'apps' && one.kind === 'DaemonSet') {
    const template = z.looseObject({ spec: z.looseObject({}) }).parse(spec.template)
    const nowhere = { ...template, spec: { ...template.spec, nodeSelector: { 'regrow/asleep': 'true' } } }
    return { ...one, spec: { ...spec, template: nowhere } }
  }
  if (quiet.test(group) && !awake.test(one.kind)) return one
  // Of the API server's own groups all kinds are named above; another one has its program in the backup, asleep.
  if (!quiet.test(group) && group.includes('.')) return one
  throw new CannotSleep(one.kind)
}
