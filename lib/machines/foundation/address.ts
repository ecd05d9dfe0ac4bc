import { isDryRun } from '../../base/dry-run.ts'
import { again, hint } from '../../base/hint.ts'
import { Problem } from '../../base/problem.ts'
import { tell } from '../../base/story.ts'
import { waitFor } from '../../base/wait.ts'
import type { DigitalOcean } from '../../clients/digitalocean.ts'
import type { Droplet, Project, ReservedIp } from '../../clients/digitalocean-types.ts'
import { ensure } from '../../clients/ensure.ts'
import { asOf, lately } from '../../clients/lately.ts'
import { doctl, ToolFailure } from '../../clients/tools.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { inventory, isOurs, ownMachines } from '../../cluster/ours.ts'
import { resources } from '../../cluster/resources.ts'

/** The reserved IP that stays when the droplet goes; created straight into the project, because it has no name. */
export async function ensureAddress(cluster: Cluster, project: Project): Promise<ReservedIp> {
  const { region } = cluster.wanted
  return ensure({
    what: `reserved IP of ${project.name}`,
    look: async (since) => {
      const cloud = asOf(cluster.cloud, since)
      const found = (await cloud.reservedIps()).filter((one) =>
        isOurs('reservedIps', one, cluster.name, { id: project.id, urns: new Set() }),
      )
      // A person may have put one there as well.
      return found.length < 2 ? found : (await ownMachines(cloud, cluster.name)).reservedIps
    },
    act: () => doctl`compute reserved-ip create --region ${region} --project-id ${project.id}`,
    detail: (address) => address.ip,
    imagined: { ip: '<new address>', region: { slug: region }, project_id: project.id },
    remove: (twin) => resources.reservedIps.remove(twin.ip),
  })
}

/**
 * Leads the reserved IP to a droplet. Refused while the droplet has a pending event, and the action has no answer
 * worth believing: so it is asked for until the address says where it leads, and never while it is under way.
 */
export async function assignAddress(cluster: Cluster, address: ReservedIp, droplet: Droplet): Promise<void> {
  if (isDryRun()) {
    if (address.droplet?.id === droplet.id) tell('=', `address ${address.ip}`, `leads to ${droplet.name}`)
    else await doctl`compute reserved-ip-action assign ${address.ip} ${droplet.id}`
    return
  }
  const started = performance.now()
  const look = async (cloud: DigitalOcean) => {
    const found = (await cloud.reservedIps()).find((one) => one.ip === address.ip)
    if (!found) throw new Problem(`reserved IP ${address.ip} is gone`, { cure: `Run ${again()}.` })
    return found
  }
  if ((await look(lately(cluster.cloud))).droplet?.id === droplet.id)
    return tell('=', `address ${address.ip}`, `leads to ${droplet.name}`)
  // What was told just now need not be asked for again.
  let since = started
  let nextAt = 0
  await waitFor(
    { until: `address ${address.ip} leads to ${droplet.name}`, every: 3, within: 180, sparing: true },
    async (note) => {
      const { droplet: now, locked } = await look(asOf(cluster.cloud, since))
      since = performance.now()
      if (now?.id === droplet.id) return true
      note(locked ? 'on its way' : now ? `leads to droplet ${now.id}` : 'leads nowhere')
      // What was accepted takes some seconds, and longer to show: another order would only wait behind it.
      if (locked || performance.now() < nextAt) return undefined
      try {
        await doctl`compute reserved-ip-action assign ${address.ip} ${droplet.id}`
        nextAt = performance.now() + 15_000
      } catch (error) {
        if (!(error instanceof ToolFailure)) throw error
        note('a pending event of the droplet')
        // Without an answer it may have been accepted.
        nextAt = performance.now() + (error.isRefusal ? 1_000 : 5_000)
      }
      return undefined
    },
  )
  tell('+', `address ${address.ip}`, `leads to ${droplet.name}`, (performance.now() - started) / 1000)
}

/** The reserved IP of a cluster that must have one. @throws Problem */
export async function addressOf(cluster: Cluster): Promise<ReservedIp> {
  const own = await inventory(cluster.cloud, cluster.name)
  const [address] = own.reservedIps
  if (!address)
    throw new Problem(`there is no cluster “${cluster.name}” at DigitalOcean`, {
      cure: `${hint('bootstrap.mts', cluster)} grows it.`,
    })
  return address
}
