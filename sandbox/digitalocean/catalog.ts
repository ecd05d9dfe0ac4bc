import { behaviourOf } from './behaviour.ts'
import type { Cloud } from './cloud.ts'
import { need } from './reply.ts'

/** The regions with basic droplets; all but New York 1 and 2 have Spaces as well. */
const places = {
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

/** Slug, distribution and name of the images that a droplet can be made of. */
const systems: [string, string, string][] = [
  ['debian-13-x64', 'Debian', '13 x64'],
  ['ubuntu-22-04-x64', 'Ubuntu', '22.04 (LTS) x64'],
  ['ubuntu-24-04-x64', 'Ubuntu', '24.04 (LTS) x64'],
  ['ubuntu-26-04-x64', 'Ubuntu', '26.04 (LTS) x64'],
  ['rockylinux-10-x64', 'Rocky Linux', '10 x64'],
]

/** A disk as it is told. */
export const diskInfo = (amount: number) => [{ type: 'local', size: { amount, unit: 'gib' } }]

/** The sizes at today's prices; what is sold out is in no region. */
export function sizesOf({ world }: Cloud) {
  const { prices, soldOut } = behaviourOf(world)
  return table.map(([slug, memory, vcpus, disk, transfer, usual]) => {
    const price_monthly = prices[slug] ?? usual
    const price_hourly = Math.round((price_monthly / 672) * 1e5) / 1e5
    const regions = soldOut.includes(slug) ? [] : everywhere
    const about = { available: true, description: 'Basic', disk_info: diskInfo(disk) }
    return { slug, memory, vcpus, disk, transfer, price_monthly, price_hourly, regions, ...about }
  })
}

/** The regions with the sizes that they have room for. */
export function regionsOf(cloud: Cloud) {
  const sizes = sizesOf(cloud)
  return Object.entries(places).map(([slug, name]) => ({
    name,
    slug,
    features: ['backups', 'ipv6', 'metadata', 'install_agent', 'storage', 'image_transfer'],
    available: true,
    sizes: sizes.filter((one) => one.regions.includes(slug)).map((one) => one.slug),
  }))
}

/** One region by its slug. @throws Refusal 404 */
export const regionOf = (cloud: Cloud, slug: string) =>
  need(regionsOf(cloud).find((one) => one.slug === slug))

/** The public images. */
export const images = systems.map(([slug, distribution, name], index) => ({
  id: 195_000_001 + index,
  name,
  type: 'base',
  distribution,
  slug,
  public: true,
  regions: everywhere,
  created_at: '2026-10-01T00:00:00Z',
  min_disk_size: 7,
  size_gigabytes: 0.7,
  description: `${distribution} ${name}`,
  tags: [],
  status: 'available',
  error_message: '',
}))
