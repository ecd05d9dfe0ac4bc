import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { runApart } from '../vm/network.ts'

/** The k3s that is tried: an official release, or anything with the same commands. */
export const k3s = process.env.REGROW_K3S ?? ''

/** Why no k3s can be tried here, or false. */
export const without: string | false = (() => {
  if (!k3s) return 'NOT RUN: REGROW_K3S does not say where a k3s program is (docs/sandbox.md)'
  if (!existsSync(k3s)) return `NOT RUN: REGROW_K3S says ${k3s}, and nothing is there`
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'NOT RUN: needs Linux and root'
  const wanted = ['unshare', 'nsenter', 'setpriv', 'ip', 'nft', 'ss', 'curl']
  const absent = wanted.filter((name) => spawnSync('which', [name]).status !== 0)
  if (absent.length > 0) return `NOT RUN: ${absent.join(', ')} missing`
  const trial = `ip link add trial0 type bridge; nft add table ip trial; mount -t tmpfs none /mnt
mkdir /mnt/u /mnt/w /mnt/r; mount -t overlay none -o lowerdir=/,upperdir=/mnt/u,workdir=/mnt/w /mnt/r`
  const tried = spawnSync('unshare', ['--net', '--mount', '--pid', '--fork', 'sh', '-ec', trial], {
    encoding: 'utf8',
  })
  return tried.status === 0 ? false : `NOT RUN: no machine may be played here: ${tried.stderr.trim()}`
})()

/** Addresses as DigitalOcean gives them: a public one, the anchor to which a reserved one leads, a private one. */
export const addresses = (nth: number) => ({
  public: `198.51.100.${10 + nth}`,
  anchor: `10.19.0.${4 + nth}`,
  private: `10.110.0.${1 + nth}`,
})

/** The reserved address of these tests; it leads to the first machine. */
export const reserved = '203.0.113.10'

/** The world's own address, from which tests ask. */
const outside = '198.51.100.1'

const sh = (command: string) => execFileSync('sh', ['-ec', command], { encoding: 'utf8' })

/**
 * Makes sure that this file runs in a network namespace of its own, which is the world outside: starts it again there, and
 * ends with it. Lays a switch for public addresses, one for the private network, on which the world has no address, and the
 * reserved address, which is led to the first machine's anchor as DigitalOcean does.
 */
export function inOwnNetwork(file: string): void {
  if (!process.env.REGROW_OWN_NETWORK) {
    const words = [process.execPath, ...process.execArgv, file, ...process.argv.slice(2)]
    process.exit(runApart(words, process.env, false))
  }
  if (sh('ip -br link').trim().split('\n').length !== 1)
    throw new Error('this is not a network namespace of our own')
  const { anchor } = addresses(1)
  sh(`
    ip link set lo up
    ip link add internet type bridge && ip addr add ${outside}/24 dev internet && ip link set internet up
    ip link add private type bridge && ip link set private up
    ip route add ${anchor}/32 dev internet && ip route add local ${reserved}/32 dev lo
    nft add table ip cloud
    nft 'add chain ip cloud out { type nat hook output priority -100; }'
    nft 'add chain ip cloud in { type nat hook prerouting priority -100; }'
    nft 'add chain ip cloud away { type nat hook postrouting priority 100; }'
    for chain in out in; do nft add rule ip cloud $chain ip daddr ${reserved} dnat to ${anchor}; done
    sysctl -qw net.ipv4.ip_forward=1
    nft add rule ip cloud away ip daddr ${anchor} masquerade
  `)
}

/** Plugs both network cards into a machine whose first process this is. */
export function plugIn(nth: number, pid: number): void {
  const at = addresses(nth)
  const inside = (command: string) => sh(`nsenter -t ${pid} -n ${command}`)
  for (const [card, bridge, name] of [
    ['eth0', 'internet', `pub${nth}`],
    ['eth1', 'private', `pri${nth}`],
  ]) {
    sh(`ip link add ${name} type veth peer name ${card} netns ${pid}`)
    sh(`ip link set ${name} master ${bridge} && ip link set ${name} up`)
    inside(`ip link set ${card} up`)
  }
  inside('ip link set lo up')
  inside(`ip addr add ${at.public}/24 dev eth0`)
  inside(`ip addr add ${at.anchor}/16 dev eth0`)
  inside(`ip addr add ${at.private}/20 dev eth1`)
  inside(`ip route add default via ${outside} dev eth0`)
}
