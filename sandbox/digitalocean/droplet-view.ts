import type { Hardware } from '../machines.ts'
import { diskInfo, images, regionOf, sizesOf } from './catalog.ts'
import type { Cloud } from './cloud.ts'
import { admits, firewallsOf } from './firewalls.ts'
import { need } from './reply.ts'
import type { Droplet } from './state.ts'

/** A droplet as the API shows it: its networks stay empty until it is active. */
export function dropletView(cloud: Cloud, droplet: Droplet) {
  const { state } = cloud
  const size = sizeOf(cloud, droplet)
  const snapshots = state.snapshots.filter((one) => one.resource_id === String(droplet.id))
  return {
    id: droplet.id,
    name: droplet.name,
    memory: size.memory,
    vcpus: size.vcpus,
    disk: droplet.disk,
    disk_info: diskInfo(droplet.disk),
    locked: cloud.busy(droplet.id),
    status: droplet.status,
    kernel: null,
    created_at: droplet.created_at,
    features: droplet.features,
    backup_ids: [],
    next_backup_window: null,
    snapshot_ids: snapshots.map((one) => Number(one.id)),
    image: images.find((one) => one.slug === droplet.image),
    volume_ids: state.volumes.filter((one) => one.droplet_ids.includes(droplet.id)).map((one) => one.id),
    size,
    size_slug: droplet.size,
    networks: { v4: droplet.status === 'new' ? [] : addresses(cloud, droplet), v6: [] },
    region: regionOf(cloud, droplet.region),
    tags: droplet.tags,
    vpc_uuid: droplet.vpc,
  }
}

const sizeOf = (cloud: Cloud, droplet: Droplet) =>
  need(sizesOf(cloud).find((one) => one.slug === droplet.size))

function addresses(cloud: Cloud, { publicAddress, privateAddress, vpc }: Droplet) {
  const range = cloud.state.vpcs.find((one) => one.id === vpc)?.ip_range ?? '10.0.0.0/16'
  const mask = -(2 ** (32 - Number(range.split('/')[1])))
  const netmask = [24, 16, 8, 0].map((shift) => (mask >>> shift) & 255).join('.')
  const gateway = publicAddress.replace(/\d+$/, '254')
  return [
    { ip_address: publicAddress, netmask: '255.255.255.0', gateway, type: 'public' },
    { ip_address: privateAddress, netmask, gateway: '<nil>', type: 'private' },
  ]
}

/** A droplet as its hardware sees it: firewalls that apply and let nothing out cut it off. */
export function hardwareOf(cloud: Cloud, droplet: Droplet): Hardware {
  const { memory, vcpus } = sizeOf(cloud, droplet)
  return {
    id: droplet.id,
    name: droplet.name,
    region: droplet.region,
    memory,
    vcpus,
    tags: droplet.tags,
    publicAddress: droplet.publicAddress,
    privateAddress: droplet.privateAddress,
    userData: droplet.userData,
    canReachOut: () => {
      const walls = firewallsOf(cloud, droplet)
      return walls.length === 0 || walls.some((one) => one.outbound_rules.length > 0)
    },
    admits: (port, from) => {
      const walls = firewallsOf(cloud, droplet)
      return walls.length === 0 || walls.some((one) => admits(one, port, from))
    },
  }
}
