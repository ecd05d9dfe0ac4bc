import { execFileSync } from 'node:child_process'

/** The clouds' addresses in this network namespace: the first is the internet's, with the metadata service beside it. */
export const internet = { bridge: 'internet', address: '198.18.1.1', prefix: 24 }
export const metadataAddress = '169.254.169.254'

const sh = (command: string) => execFileSync('sh', ['-ec', command], { encoding: 'utf8' })

/**
 * Lays two switches into the network namespace that this process has for itself (never the machine's own): one for
 * public addresses and the metadata service, one for the private network. Servers of the box listen on 198.18.0.0/24, droplets
 * on 198.18.1.0/24, reserved addresses lie in 198.18.200.0/24.
 * @param gateway address of the private network's switch, with its prefix
 * @throws Error outside a namespace of its own
 */
export function layNetwork(gateway: string): void {
  const links = sh('ip -br link').trim().split('\n')
  if (links.length !== 1) throw new Error('this is not a network namespace of our own')
  sh(`
    ip link set lo up
    ip route add local 198.18.0.0/24 dev lo
    ip link add ${internet.bridge} type bridge && ip link set ${internet.bridge} up
    ip addr add ${internet.address}/${internet.prefix} dev ${internet.bridge}
    ip addr add ${metadataAddress}/16 dev ${internet.bridge}
    ip link add private type bridge && ip link set private up
    ip addr add ${gateway} dev private
    nft -f - <<END
table ip cloud {
  chain out { type nat hook output priority -100; }
  chain in { type nat hook prerouting priority -100; }
}
END
  `)
}

/** A port of a switch for a machine's network card. @returns its name */
export function plugCable(bridge: string, name: string): string {
  sh(`ip tuntap add ${name} mode tap && ip link set ${name} master ${bridge} && ip link set ${name} up`)
  return name
}

/** Leads a reserved address to a machine's public one, as DigitalOcean does by translation; to none without `to`. */
export function leadAddress(address: string, to: string | undefined): void {
  sh(`ip route replace local ${address}/32 dev lo`)
  for (const chain of ['out', 'in']) {
    const rules = sh(`nft -a list chain ip cloud ${chain}`)
    const handle = rules.match(
      new RegExp(`ip daddr ${address.replaceAll('.', '\\.')} .*# handle (\\d+)`),
    )?.[1]
    if (handle) sh(`nft delete rule ip cloud ${chain} handle ${handle}`)
    if (to) sh(`nft add rule ip cloud ${chain} ip daddr ${address} dnat to ${to}`)
  }
}
