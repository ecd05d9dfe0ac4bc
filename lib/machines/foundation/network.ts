import { names } from '../../base/names.ts'
import { tell } from '../../base/story.ts'
import type { Firewall, Vpc } from '../../clients/digitalocean-types.ts'
import { ensure } from '../../clients/ensure.ts'
import { asOf } from '../../clients/lately.ts'
import { doctl } from '../../clients/tools.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { isOurs } from '../../cluster/ours.ts'
import { resources } from '../../cluster/resources.ts'

/** The private network and the firewall of a cluster. */
export interface Network {
  vpc: Vpc
  firewall: Firewall
}

/** Private network and firewall, made or mended: what is ours is brought back to what is wanted. */
export async function ensureNetwork(cluster: Cluster): Promise<Network> {
  await ensureTag(cluster)
  const [vpc, firewall] = await Promise.all([ensureVpc(cluster), ensureFirewall(cluster)])
  return { vpc, firewall }
}

/** A firewall can name a tag only when the tag exists (422 `tag … does not exist` otherwise). */
async function ensureTag(cluster: Cluster): Promise<void> {
  await ensure({
    what: `tag ${cluster.tag}`,
    look: async (since) => (await asOf(cluster.cloud, since).tags()).filter((tag) => tag === cluster.tag),
    act: () => doctl`compute tag create ${cluster.tag}`,
    imagined: cluster.tag,
  })
}

async function ensureVpc(cluster: Cluster): Promise<Vpc> {
  const { region, network } = cluster.wanted
  const name = names.network(cluster.name)
  return ensure({
    what: `network ${name}`,
    look: async (since) =>
      (await asOf(cluster.cloud, since).vpcs()).filter((one) => isOurs('vpcs', one, cluster.name)),
    act: () => doctl`vpcs create --name ${name} --region ${region} --ip-range ${network.range}`,
    detail: (vpc) => `${vpc.ip_range}, ${vpc.region}`,
    imagined: { id: '<new network>', name, region, ip_range: network.range, default: false },
    remove: (twin) => resources.vpcs.remove(twin.id),
  })
}

async function ensureFirewall(cluster: Cluster): Promise<Firewall> {
  const name = names.firewall(cluster.name)
  const rules = firewallRules(cluster)
  const found = await ensure({
    what: `firewall ${name}`,
    look: async (since) =>
      (await asOf(cluster.cloud, since).firewalls()).filter((one) => isOurs('firewalls', one, cluster.name)),
    act: () =>
      doctl`compute firewall create --name ${name} --inbound-rules ${rules.inbound} --outbound-rules ${rules.outbound} --tag-names ${cluster.tag}`,
    detail: () => `80 and 443 for all, 6443 for ${cluster.wanted.network.adminCidrs.join(' ')}`,
    imagined: { id: '<new firewall>', name, status: 'succeeded' },
    remove: (twin) => resources.firewalls.remove(twin.id),
  })
  if (found.id.startsWith('<') || sameRules(found, cluster)) return found
  await doctl`compute firewall update ${found.id} --name ${name} --inbound-rules ${rules.inbound} --outbound-rules ${rules.outbound} --tag-names ${cluster.tag}`
  tell('~', `firewall ${name}`, 'its rules had been changed: put back')
  return found
}

/**
 * The rules in doctl's notation. Nothing listens on 22: nobody needs SSH. All three protocols may leave: a firewall
 * without outbound rules lets nothing out, not even the droplet's first download.
 */
export function firewallRules(cluster: Cluster): { inbound: string; outbound: string } {
  const everyone = 'address:0.0.0.0/0,address:::/0'
  const admins = cluster.wanted.network.adminCidrs.map((one) => `address:${one}`).join(',')
  const own = `tag:${cluster.tag}`
  return {
    inbound: [
      `protocol:tcp,ports:80,${everyone}`,
      `protocol:tcp,ports:443,${everyone}`,
      `protocol:tcp,ports:6443,${admins}`,
      `protocol:tcp,ports:all,${own}`,
      `protocol:udp,ports:all,${own}`,
      `protocol:icmp,${own}`,
    ].join(' '),
    outbound: [
      `protocol:tcp,ports:all,${everyone}`,
      `protocol:udp,ports:all,${everyone}`,
      `protocol:icmp,${everyone}`,
    ].join(' '),
  }
}

/** Whether a firewall says what is wanted, whatever the order; DigitalOcean returns `0` for all ports and for ICMP. */
export function sameRules(found: Firewall, cluster: Cluster): boolean {
  const wanted = firewallRules(cluster)
  const rule = (
    one: { protocol: string; ports?: string | undefined },
    peers: { addresses?: string[] | undefined; tags?: string[] | undefined } | null | undefined,
  ) => [
    `protocol:${one.protocol}`,
    ...(one.protocol === 'icmp' ? [] : [`ports:${allPorts(one.ports)}`]),
    ...(peers?.addresses ?? []).map((address) => `address:${address}`),
    ...(peers?.tags ?? []).map((tag) => `tag:${tag}`),
  ]
  const inbound = (found.inbound_rules ?? []).map((one) => rule(one, one.sources))
  const outbound = (found.outbound_rules ?? []).map((one) => rule(one, one.destinations))
  return (
    canonical(inbound) === canonical(wanted.inbound.split(' ').map((one) => one.split(','))) &&
    canonical(outbound) === canonical(wanted.outbound.split(' ').map((one) => one.split(','))) &&
    found.tags?.includes(cluster.tag) === true
  )
}

const allPorts = (ports: string | undefined) =>
  ports === undefined || ports === '0' || ports === 'all' || ports === '1-65535' ? 'all' : ports

const canonical = (rules: string[][]) =>
  rules
    .map((words) => words.toSorted().join(','))
    .toSorted()
    .join(' ')
