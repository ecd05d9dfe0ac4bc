import { execFileSync, spawnSync } from 'node:child_process'

/** The clouds' addresses in this network namespace: the first is the internet's, with the metadata service beside it. */
export const internet = { bridge: 'internet', address: '198.18.1.1', prefix: 24 }
export const metadataAddress = '169.254.169.254'
/** Where machines ask for names; answered where the namespace leads to the internet. */
export const nameServer = '198.18.0.53'
const way = { host: '172.31.255.1', here: '172.31.255.2', prefix: 30, names: '1.1.1.1' }

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
  const uplink = links.some((line) => line.startsWith('uplink'))
  if (links.length !== (uplink ? 2 : 1)) throw new Error('this is not a network namespace of our own')
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
  if (!uplink) return
  sh(`
    ip addr add ${way.here}/${way.prefix} dev uplink && ip link set uplink up
    ip route add default via ${way.host}
    sysctl -qw net.ipv4.ip_forward=1
    nft -f - <<END
table ip cloud {
  chain in { ip daddr ${nameServer} dnat to ${way.names}; }
  chain away { type nat hook postrouting priority 100; oifname uplink masquerade; }
}
END
  `)
}

/**
 * Runs a command in a network namespace of its own and waits for its end.
 * @param internet whether a way leads out of it: then machines fetch what they need themselves
 * @returns its exit code
 */
export function runApart(words: string[], env: NodeJS.ProcessEnv, internet: boolean): number {
  const run = (command: string, args: string[]) =>
    spawnSync(command, args, { stdio: 'inherit', env: { ...env, REGROW_OWN_NETWORK: '1' } }).status ?? 1
  if (!internet) return run('unshare', ['--net', '--mount', ...words])
  sh(`
    ip netns add regrow
    ip link add regrow0 type veth peer name uplink netns regrow
    ip addr add ${way.host}/${way.prefix} dev regrow0 && ip link set regrow0 up
    sysctl -qw net.ipv4.ip_forward=1
    nft 'add table ip regrow_vm; add chain ip regrow_vm away { type nat hook postrouting priority 100; }'
    nft add rule ip regrow_vm away ip saddr ${way.here} masquerade
    mkdir -p /etc/netns/regrow && echo nameserver ${way.names} >/etc/netns/regrow/resolv.conf
  `)
  try {
    return run('ip', ['netns', 'exec', 'regrow', ...words])
  } finally {
    sh('ip netns del regrow; nft delete table ip regrow_vm; rm -r /etc/netns/regrow')
  }
}

/** Names that everybody in this namespace knows, machines apart: its file of hosts is its own. */
export function knowHosts(hosts: Record<string, string>): void {
  const lines = Object.entries({ localhost: '127.0.0.1', ...hosts }).map(([name, to]) => `${to} ${name}`)
  sh(`mount -t tmpfs none /mnt && printf '%s\\n' ${lines.map((one) => `'${one}'`).join(' ')} >/mnt/hosts`)
  sh('mount --bind /mnt/hosts /etc/hosts')
}

/** Lets nothing through from machines to a server. @returns what brings it back */
export function withdraw({ host, port }: { host: string; port: number }): () => void {
  sh('nft add chain ip cloud withdrawn { type filter hook input priority 0 \\; }')
  sh(`nft add rule ip cloud withdrawn ip saddr 198.18.1.0/24 ip daddr ${host} tcp dport ${port} drop`)
  return () => void sh('nft flush chain ip cloud withdrawn')
}

/** A port of a switch for a machine's network card. @returns its name */
export function plugCable(bridge: string, name: string): string {
  sh(`ip tuntap add ${name} mode tap && ip link set ${name} master ${bridge} && ip link set ${name} up`)
  return name
}

/** Pulls it out again. */
export function pullCable(name: string): void {
  sh(`ip link del ${name}`)
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
