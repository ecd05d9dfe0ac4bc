import { BlockList, isIP, isIPv6 } from 'node:net'

const local = new BlockList()
local.addSubnet('127.0.0.0', 8, 'ipv4')
local.addAddress('::1', 'ipv6')

// Where clouds tell their machines what is secret (RFC 3927, RFC 4291; Amazon's over IPv6, Alibaba's), and no address at all.
const never = new BlockList()
never.addSubnet('169.254.0.0', 16, 'ipv4')
never.addSubnet('fe80::', 10, 'ipv6')
never.addAddress('fd00:ec2::254', 'ipv6')
never.addAddress('100.100.100.200', 'ipv4')
never.addSubnet('0.0.0.0', 8, 'ipv4')
never.addAddress('::', 'ipv6')

const bare = (hostname: string) => hostname.replace(/^\[|\]$|\.$/g, '')
const isIn = (list: BlockList, host: string) =>
  isIP(host) !== 0 && list.check(host, isIPv6(host) ? 'ipv6' : 'ipv4')

/** Whether the host of a URL is this machine, so that nobody is on the way. @param hostname as `URL` tells it */
export const isLoopback = (hostname: string): boolean =>
  bare(hostname) === 'localhost' || isIn(local, bare(hostname))

/**
 * What is wrong with the address of a store that a file names, as the end of a sentence about it: kit, bundles and with them
 * every key go there. Undefined where nothing is.
 */
export function endpointFault(text: string): string | undefined {
  if (!URL.canParse(text) || !/^https?:/.test(text)) return undefined // told already
  const { protocol, hostname, username, password } = new URL(text)
  if (username || password) return 'must have no user and no password in it'
  const host = bare(hostname)
  if (isIn(never, host) || /^(metadata|instance-data)(\.|$)/.test(host))
    return 'is an address at which clouds answer their own machines, and no store'
  return protocol === 'https:' || isLoopback(hostname)
    ? undefined
    : 'must begin with https://, because every key goes there'
}
