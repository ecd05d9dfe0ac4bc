import { isDryRun } from '../../base/dry-run.ts'
import { names } from '../../base/names.ts'
import { tell } from '../../base/story.ts'
import { backoff } from '../../base/wait.ts'
import type { Droplet, Project } from '../../clients/digitalocean-types.ts'
import { ensure } from '../../clients/ensure.ts'
import { asOf, lately } from '../../clients/lately.ts'
import { doctl, ToolFailure } from '../../clients/tools.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { isOurs, ownProject } from '../../cluster/ours.ts'
import { resources } from '../../cluster/resources.ts'

/** The DigitalOcean project that tells which reserved IP is ours: addresses have neither name nor tag. */
export async function ensureProject(cluster: Cluster): Promise<Project> {
  const name = names.project(cluster.name)
  const description = names.projectDescription(cluster.name)
  return ensure({
    what: `project ${name}`,
    look: async (since) => {
      const cloud = asOf(cluster.cloud, since)
      const projects = cloud.projects()
      const made = (await projects).filter((one) => isOurs('projects', one, cluster.name))
      if (made.length > 0) return made
      const own = await ownProject(cloud, cluster.name, projects)
      return (await projects).filter((one) => one.id === own?.id)
    },
    act: () =>
      doctl`projects create --name ${name} --purpose ${'Kubernetes cluster'} --environment Production --description ${description}`,
    imagined: { id: '<new project>', name, is_default: false, description },
    remove: (twin) => resources.projects.remove(twin.id),
  })
}

/**
 * Puts droplets into the project where they do not lie in it. doctl assigns each by a request of its own after the
 * create: one that was lost, or never sent, leaves the droplet in the account's default project.
 */
export async function ensureInProject(
  { cloud }: Cluster,
  project: Project,
  droplets: readonly Droplet[],
): Promise<void> {
  if (droplets.length === 0) return
  const urn = ({ id }: Droplet) => `do:droplet:${id}`
  for (let attempt = 1; ; attempt++) {
    const there = new Set(await (attempt === 1 ? lately(cloud) : cloud).projectResources(project.id))
    try {
      for (const one of droplets.filter((each) => !there.has(urn(each)))) {
        await doctl`projects resources assign ${project.id} --resource ${urn(one)}`
        if (!isDryRun()) tell('~', `droplet ${one.name}`, `put into project ${project.name}`)
      }
      return
    } catch (error) {
      if (!(error instanceof ToolFailure) || attempt === 4) throw error
      await backoff(attempt)
    }
  }
}
