import { behaviourOf } from './behaviour.ts'
import type { Cloud } from './cloud.ts'
import { need } from './reply.ts'

/** The regions with basic droplets; all but New York 1 and 2 have Spaces as well. */
const places: Record<string, string> = {
  ams3: 'Amsterdam 3',
  blr1: 'Bangalore 1',
  fra1: 'Frankfurt 1',
  lon1: 'London 1',
  nyc1: 'New York 1',
  nyc2: 'New York 2',
  nyc3: 'New York 3',
  sfo2: 'San Francisco 2',
  sfo3: 'San Francisco 3',
  sgp1: 'Singapore 1',
  syd1: 'Sydney 1',
  tor1: 'Toronto 1',
}
const everywhere = Object.keys(places)

/** Slug, memory (MB), processors, disk (GB), transfer (TB), dollars a month: as a live list had them in October 2026. */
const table: [string, number, number, number, number, number][] = [
  ['s-1vcpu-512mb-10gb', 512, 1, 10, 0.5, 4],
  ['s-1vcpu-1gb', 1024, 1, 25, 1, 6],
  ['s-1vcpu-2gb', 2048, 1, 50, 2, 12],
  ['s-2vcpu-2gb', 2048, 2, 60, 3, 18],
  ['s-2vcpu-4gb', 4096, 2, 80, 4, 24],
  ['s-4vcpu-8gb', 8192, 4, 160, 5, 48],
]

/** Slug, distribution and name of the public images that a droplet can be made of. */
const systems: [string, string, string][] = [
  ['debian-13-x64', 'Debian', '13 x64'],
  ['ubuntu-22-04-x64', 'Ubuntu', '22.04 (LTS) x64'],
  ['ubuntu-24-04-x64', 'Ubuntu', '24.04 (LTS) x64'],
  ['ubuntu-26-04-x64', 'Ubuntu', '26.04 (LTS) x64'],
  ['rockylinux-10-x64', 'Rocky Linux', '10 x64'],
]

/** The sizes at today's prices. */
export function sizesOf({ world }: Cloud) {
  const { prices, soldOut } = behaviourOf(world)
  return table.map(([slug, memory, vcpus, disk, transfer, usual]) => {
    const monthly = prices[slug] ?? usual
    return {
      slug,
      memory,
      vcpus,
      disk,
      transfer,
      price_monthly: monthly,
      price_hourly: Math.round((monthly / 672) * 1e5) / 1e5,
      regions: soldOut.includes(slug) ? [] : everywhere,
      available: true,
      description: 'Basic',
      disk_info: [{ type: 'local', size: { amount: disk, unit: 'gib' } }],
    }
  })
}

/** The regions with the sizes that they have room for. */
export function regionsOf(cloud: Cloud) {
  const sizes = sizesOf(cloud)
  return everywhere.map((slug) => ({
    name: places[slug] ?? slug,
    slug,
    features: ['backups', 'ipv6', 'metadata', 'install_agent', 'storage', 'image_transfer'],
    available: true,
    sizes: sizes.filter((one) => one.regions.includes(slug)).map((one) => one.slug),
  }))
}

/** One region by its slug. @throws Refusal 404 */
export const regionOf = (cloud: Cloud, slug: string) =>
  need(regionsOf(cloud).find((one) => one.slug === slug))

/** The public images, then the account's own: snapshots of droplets. */
export function imagesOf({ state }: Cloud) {
  const common = {
    public: true,
    regions: everywhere,
    status: 'available',
    error_message: '',
    tags: [] as string[],
  }
  const base = systems.map(([slug, distribution, name], index) => ({
    ...common,
    id: 195_000_001 + index,
    name,
    type: 'base',
    distribution,
    slug: slug as string | null,
    created_at: '2026-10-01T00:00:00Z',
    min_disk_size: 7,
    size_gigabytes: 0.7,
    description: `${distribution} ${name}`,
  }))
  const own = state.snapshots.filter((one) => one.resource_type === 'droplet')
  const snapshots = own.map((one) => ({
    ...common,
    id: Number(one.id),
    name: one.name,
    type: 'snapshot',
    distribution: 'Unknown',
    slug: null,
    public: false,
    regions: [one.region],
    created_at: one.created_at,
    min_disk_size: one.min_disk_size,
    size_gigabytes: one.size_gigabytes,
    description: '',
    tags: one.tags,
  }))
  return [...base, ...snapshots]
}
