import { execFileSync } from 'node:child_process'
import { createServer } from 'node:http'
import type { Hardware } from '../../../sandbox/machines.ts'
import { internet, metadataAddress, nameServer } from './network.ts'

/** A machine as its metadata tell it about itself. */
export interface Described extends Hardware {
  macs: { public: string; private: string }
  /** The private network's prefix length. */
  privatePrefix: number
}

/**
 * The cloud's metadata service as a droplet sees it (https://docs.digitalocean.com/reference/api/metadata): each
 * machine is answered by the network card that it asks through, because before it has its address it asks from another.
 */
export function serveMetadata(machines: () => Described[]): Promise<() => void> {
  const server = createServer((request, response) => {
    const from = request.socket.remoteAddress?.replace('::ffff:', '') ?? ''
    const neighbour = execFileSync('ip', ['neigh', 'show', from], { encoding: 'utf8' })
    const one = machines().find(({ macs }) => neighbour.includes(`lladdr ${macs.public} `))
    if (!one) return void response.writeHead(404).end()
    const path = request.url ?? ''
    if (path === '/metadata/v1.json') return void response.end(JSON.stringify(describe(one)))
    if (path === '/metadata/v1/user-data') return void response.end(one.userData)
    if (path === '/metadata/v1/id') return void response.end(String(one.id))
    response.writeHead(404).end('not found')
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(80, metadataAddress, () => resolve(() => void server.close()))
  })
}

/** All that the cloud tells a machine about itself, as `v1.json` has it. */
export function describe(one: Described) {
  const mask = (prefix: number) =>
    [24, 16, 8, 0].map((shift) => ((0xffffffff << (32 - prefix)) >>> shift) & 255).join('.')
  return {
    droplet_id: one.id,
    hostname: one.name,
    user_data: one.userData,
    vendor_data: '#cloud-config\nmanage_etc_hosts: true\n',
    public_keys: [],
    region: one.region,
    interfaces: {
      public: [
        {
          ipv4: {
            ip_address: one.publicAddress,
            netmask: mask(internet.prefix),
            gateway: internet.address,
          },
          mac: one.macs.public,
          type: 'public',
        },
      ],
      private: [
        {
          ipv4: {
            ip_address: one.privateAddress,
            netmask: mask(one.privatePrefix),
            gateway: '0.0.0.0',
          },
          mac: one.macs.private,
          type: 'private',
        },
      ],
    },
    dns: { nameservers: [nameServer] },
    features: { dhcp_enabled: false },
    floating_ip: { ipv4: { active: false } },
    reserved_ip: { ipv4: { active: false } },
    tags: one.tags,
  }
}
