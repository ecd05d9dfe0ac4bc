import type { Project } from '../clients/digitalocean-types.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { names } from '../cluster/names.ts'
import { isOurs } from '../cluster/ours.ts'
import { ensure } from '../ensure.ts'
import { doctl } from '../tools.ts'

/** The DigitalOcean project that tells which reserved IP is ours: addresses have neither name nor tag. */
export async function ensureProject(cluster: Cluster): Promise<Project> {
  const name = names.project(cluster.name)
  return ensure({
    what: `project ${name}`,
    look: async () => (await cluster.cloud.projects()).filter((one) => isOurs('project', one, cluster.name)),
    act: () =>
      doctl`projects create --name ${name} --purpose ${'Kubernetes cluster'} --environment Production --description ${`Grown by regrow: cluster ${cluster.name}`}`,
    imagined: { id: '<new project>', name, is_default: false },
    remove: (twin) => doctl`projects delete ${twin.id} --force`,
  })
}
