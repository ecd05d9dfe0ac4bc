import type { DigitalOcean } from '../../lib/clients/digitalocean.ts'

const none = async () => []

/** An account with nothing in it. It is whole, so that a look which is new is answered in every test, or does not compile. */
export const nothingThere: DigitalOcean = {
  account: async () => {
    throw new Error('this account tells nothing of itself')
  },
  projects: none,
  projectResources: none,
  vpcs: none,
  firewalls: none,
  sshKeys: none,
  reservedIps: none,
  loadBalancers: none,
  spacesKeys: none,
  droplets: none,
  dropletsTagged: none,
  dropletsNamed: none,
  droplet: async () => undefined,
  dropletActions: none,
  volumes: none,
  volumeSnapshots: none,
  dropletSnapshots: none,
  sizes: none,
  regions: none,
  hasImage: async () => true,
  tags: none,
  clockOffset: () => 0,
}
