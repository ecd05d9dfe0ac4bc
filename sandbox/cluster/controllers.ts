import { argocd } from './argocd/engine.ts'
import type { Cluster } from './cluster.ts'
import { control } from './control.ts'
import { csiNodes } from './controllers/csi-nodes.ts'
import { housekeeping } from './controllers/housekeeping.ts'
import { pods } from './controllers/pods.ts'
import { sealedSecrets } from './controllers/sealed-secrets.ts'
import { services } from './controllers/services.ts'
import { attachments, claims } from './controllers/volumes.ts'
import { workloads } from './controllers/workloads.ts'
import { backups } from './velero/backups.ts'
import { locations } from './velero/locations.ts'

const all = [
  housekeeping,
  workloads,
  pods,
  csiNodes,
  claims,
  attachments,
  services,
  sealedSecrets,
  argocd,
  locations,
  backups,
]

/**
 * Starts everything that acts in a paper cluster by itself; objects that k3s itself makes must exist by then.
 * @param resumes whether the world was paused while it ran: then what was settled is not looked at anew
 */
export function startControllers(cluster: Cluster, resumes = false): void {
  for (const controller of all) control(cluster, controller(cluster), resumes)
}
