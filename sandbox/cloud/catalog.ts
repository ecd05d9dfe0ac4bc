const allRegions = ['ams3', 'blr1', 'fra1', 'lon1', 'nyc3', 'sfo2', 'sfo3', 'sgp1', 'syd1', 'tor1']
const places: Record<string, string> = {
  ams3: 'Amsterdam 3',
  blr1: 'Bangalore 1',
  fra1: 'Frankfurt 1',
  lon1: 'London 1',
  nyc3: 'New York 3',
  sfo2: 'San Francisco 2',
  sfo3: 'San Francisco 3',
  sgp1: 'Singapore 1',
  syd1: 'Sydney 1',
  tor1: 'Toronto 1',
}

/** Slug, memory (MB), processors, disk (GB), dollars a month: as a live list of October 2026 had them. */
const table: [string, number, number, number, number][] = [
  ['s-1vcpu-512mb-10gb', 512, 1, 10, 4],
  ['s-1vcpu-1gb', 1024, 1, 25, 6],
  ['s-1vcpu-2gb', 2048, 1, 50, 12],
  ['s-2vcpu-2gb', 2048, 2, 60, 18],
  ['s-2vcpu-4gb', 4096, 2, 80, 24],
  ['s-4vcpu-8gb', 8192, 4, 160, 48],
]

/** The droplet sizes. */
export const sizes = table.map(([slug, memory, vcpus, disk, price]) => ({
  slug,
  memory,
  vcpus,
  disk,
  transfer: vcpus,
  price_monthly: price,
  price_hourly: Math.round((price / 672) * 1e5) / 1e5,
  regions: allRegions,
  available: true,
  description: 'Basic',
}))

/** The regions. */
export const regions = allRegions.map((slug) => ({
  slug,
  name: places[slug] ?? slug,
  available: true,
  features: ['backups', 'ipv6', 'metadata', 'install_agent', 'storage', 'image_transfer'],
  sizes: sizes.map((one) => one.slug),
}))

/** The images that a droplet can be made of. */
export const images = ['debian-13-x64', 'ubuntu-24-04-x64', 'ubuntu-26-04-x64'].map((slug, index) => ({
  id: 200_000_001 + index,
  name: slug,
  type: 'base',
  distribution: slug.startsWith('debian') ? 'Debian' : 'Ubuntu',
  slug,
  public: true,
  regions: allRegions,
  created_at: '2026-10-01T00:00:00Z',
  min_disk_size: 7,
  size_gigabytes: 0.7,
  description: slug,
  tags: [],
  status: 'available',
  error_message: '',
}))
