import { names } from '../base/names.ts'
import type { Vpc } from '../clients/digitalocean-types.ts'
import type { Description } from './description.ts'
import { overlap } from './ranges.ts'

/**
 * Moves a new cluster's private network out of the way of the account's other networks: the first free /20 from the
 * one that is described on.
 */
export function withFreeRange(wanted: Description, networks: readonly Vpc[]): Description {
  const others = networks.filter((vpc) => vpc.name !== names.network(wanted.cluster))
  const candidates = [
    wanted.network.range,
    ...Array.from({ length: 16 }, (_, index) => `10.110.${index * 16}.0/20`),
  ]
  const free = candidates.find((range) => !others.some((vpc) => overlap(vpc.ip_range, range)))
  return free ? { ...wanted, network: { ...wanted.network, range: free } } : wanted
}
