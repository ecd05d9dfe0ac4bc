import { BlockList, isIPv4 } from 'node:net'
import { networkInterfaces } from 'node:os'

// RFC 1918, RFC 6598 (carriers' NAT), link-local, loopback.
const notPublic = listOf([
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '169.254.0.0/16',
  '127.0.0.0/8',
])

/**
 * Who may reach a cluster's API, for a step that cannot: the port, the ranges that the firewall lets in, and this
 * machine's own address as far as it is known. DigitalOcean's API does not tell the caller's address, so it is known
 * only where an interface carries a public one; behind a router it is not, and that is said.
 * @param address the cluster's IPv4 address
 * @param own this machine's public IPv4 addresses
 */
export function whoMayConnect(
  address: string,
  cidrs: readonly string[],
  own: readonly string[] = publicAddresses(),
): string {
  const open = `Port 6443 of ${address} is open to ${cidrs.join(', ')}`
  if (cidrs.includes('0.0.0.0/0')) return `${open}: to everyone, so something else is in the way.`
  const [mine] = own
  if (!mine)
    return `${open}: is your own address among them? It is not known here, because this machine is behind a router. --admin-cidr changes who may.`
  if (own.some((one) => listOf(cidrs).check(one)))
    return `${open}. This machine has ${mine}, which is among them: something else is in the way.`
  return `${open}. This machine has ${mine}, which is not among them: --admin-cidr ${[...cidrs, `${mine}/32`].join(',')} lets it in.`
}

/** This machine's own public IPv4 address where it is known and lies in none of the ranges. */
export function shutOut(
  cidrs: readonly string[],
  own: readonly string[] = publicAddresses(),
): string | undefined {
  const [mine] = own
  return own.some((one) => listOf(cidrs).check(one)) ? undefined : mine
}

function publicAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .filter((one) => one.family === 'IPv4' && !notPublic.check(one.address))
    .map((one) => one.address)
}

function listOf(cidrs: readonly string[]): BlockList {
  const list = new BlockList()
  for (const cidr of cidrs) {
    const [address = '', bits] = cidr.split('/')
    if (isIPv4(address)) list.addSubnet(address, Number(bits), 'ipv4')
  }
  return list
}
