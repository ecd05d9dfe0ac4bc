import { generateKeyPairSync } from 'node:crypto'

// biome-ignore lint/suspicious/noExplicitAny: the caller judges the answers, the tour only follows their ids
type Call = (method: string, path: string, body?: unknown, wrong?: boolean) => Promise<any>

/** Goes through the API as an account's life would: everything is made, looked at, changed, refused and removed. */
export async function tour(call: Call, settled: () => Promise<void>): Promise<void> {
  for (const path of [
    '/account',
    '/sizes',
    '/regions',
    '/images',
    '/images/debian-13-x64',
    '/actions',
    '/tags',
  ])
    await call('GET', path)
  for (const path of ['/sizes?per_page=2', '/sizes?per_page=2&page=2', '/regions?per_page=5&page=3'])
    await call('GET', path)
  const project = await projects(call)
  const vpc = await networks(call)
  await keys(call)
  await call('POST', '/tags', { name: 'regrow:main' })
  await call('POST', '/tags', { name: 'not a tag' }, true)
  const droplet = await droplets(call, settled, vpc)
  await firewalls(call, droplet)
  await balancers(call, droplet, vpc)
  await addresses(call, settled, project, droplet)
  await volumes(call, settled, droplet)
  await call('POST', `/projects/${project}/resources`, {
    resources: [`do:droplet:${droplet}`, 'do:droplet:1'],
  })
  await call('GET', `/projects/${project}/resources`)
  await call('GET', '/projects/default/resources')
  await call('DELETE', `/projects/${project}`, undefined, true)
  await call('GET', `/vpcs/${vpc}/members`)
  await call('DELETE', `/vpcs/${vpc}`, undefined, true)
  await call('GET', '/actions?per_page=3&page=2')
  await call('GET', '/tags')
  await call('DELETE', `/droplets/${droplet}`)
  await call('GET', `/droplets/${droplet}`, undefined, true)
  await call('DELETE', '/tags/regrow:main')
}

async function projects(call: Call): Promise<string> {
  const wish = {
    name: 'regrow-main',
    purpose: 'Kubernetes cluster',
    environment: 'Production',
    description: 'x',
  }
  const { project } = await call('POST', '/projects', wish)
  await call('POST', '/projects', wish, true)
  await call('POST', '/projects', { name: 'x' }, true)
  for (const path of ['/projects', '/projects/default', `/projects/${project.id}`]) await call('GET', path)
  await call('PUT', `/projects/${project.id}`, { ...wish, is_default: false })
  await call('PATCH', `/projects/${project.id}`, { purpose: 'Changed' })
  await call('PATCH', '/projects/default', { description: 'Changed' })
  const other = await call('POST', '/projects', { name: 'other', purpose: 'p' })
  await call('DELETE', `/projects/${other.project.id}`)
  await call('GET', `/projects/${other.project.id}`, undefined, true)
  return project.id
}

async function balancers(call: Call, droplet: number, vpc: string): Promise<void> {
  const rule = { entry_protocol: 'tcp', entry_port: 443, target_protocol: 'tcp', target_port: 30_443 }
  const wish = { name: 'a1', region: 'fra1', vpc_uuid: vpc, forwarding_rules: [rule] }
  const { load_balancer: one } = await call('POST', '/load_balancers', { ...wish, droplet_ids: [droplet] })
  const { load_balancer: other } = await call('POST', '/load_balancers', { ...wish, tag: 'regrow:main' })
  await call('POST', '/load_balancers', { ...wish, forwarding_rules: [] }, true)
  for (const path of ['/load_balancers', `/load_balancers/${one.id}`]) await call('GET', path)
  for (const { id } of [one, other]) await call('DELETE', `/load_balancers/${id}`)
  await call('GET', `/load_balancers/${one.id}`, undefined, true)
}

async function networks(call: Call): Promise<string> {
  const wish = { name: 'main-network', region: 'fra1', ip_range: '10.110.0.0/20' }
  const { vpc } = await call('POST', '/vpcs', wish)
  await call('POST', '/vpcs', wish, true)
  await call('POST', '/vpcs', { ...wish, name: 'overlapping' }, true)
  const other = (await call('POST', '/vpcs', { name: 'other', region: 'fra1' })).vpc
  for (const path of ['/vpcs', `/vpcs/${vpc.id}`, `/vpcs/${vpc.id}/members`]) await call('GET', path)
  await call('PUT', `/vpcs/${other.id}`, { name: 'renamed', description: 'y' })
  await call('PATCH', `/vpcs/${other.id}`, { description: 'z' })
  await call('DELETE', `/vpcs/${other.id}`)
  return vpc.id
}

async function keys(call: Call): Promise<void> {
  const { publicKey } = generateKeyPairSync('ed25519')
  const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url')
  const field = (bytes: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes])
  const blob = Buffer.concat([field(Buffer.from('ssh-ed25519')), field(raw)])
  const wish = { name: 'main-key', public_key: `ssh-ed25519 ${blob.toString('base64')} x` }
  const { ssh_key: key } = await call('POST', '/account/keys', wish)
  await call('POST', '/account/keys', wish, true)
  await call('POST', '/account/keys', { name: 'x', public_key: 'nonsense' }, true)
  await call('GET', '/account/keys')
  await call('GET', `/account/keys/${key.fingerprint}`)
  await call('PUT', `/account/keys/${key.id}`, { name: 'renamed' })
  await call('DELETE', `/account/keys/${key.id}`)
  const full = { bucket: '', permission: 'fullaccess' }
  const scoped = { bucket: 'a', permission: 'readwrite' }
  const made = (await call('POST', '/spaces/keys', { name: 'full', grants: [full] })).key
  await call('POST', '/spaces/keys', { name: 'scoped', grants: [scoped] })
  await call('POST', '/spaces/keys', { name: 'mixed', grants: [full, scoped] }, true)
  for (const path of ['/spaces/keys', '/spaces/keys?bucket=a', `/spaces/keys/${made.access_key}`])
    await call('GET', path)
  for (const method of ['PUT', 'PATCH'])
    await call(method, `/spaces/keys/${made.access_key}`, { name: 'again' })
  await call('DELETE', `/spaces/keys/${made.access_key}`)
  await call('GET', `/spaces/keys/${made.access_key}`, undefined, true)
}

async function droplets(call: Call, settled: () => Promise<void>, vpc: string): Promise<number> {
  const common = { region: 'fra1', size: 's-1vcpu-2gb', image: 'debian-13-x64', tags: ['regrow:main'] }
  const { droplet } = await call('POST', '/droplets', {
    ...common,
    name: 'main-1',
    vpc_uuid: vpc,
    user_data: 'x',
  })
  await call('POST', `/droplets/${droplet.id}/actions`, { type: 'power_off' }, true)
  await call('POST', '/droplets', { ...common, name: 'not_a_name' }, true)
  await call('POST', '/droplets', { ...common, name: 'x', size: 'none' }, true)
  await call('POST', '/droplets', { ...common, tags: ['pair'], name: 'a' })
  await settled()
  for (const path of ['', '?tag_name=regrow:main', '?name=main-1', '?page=2&per_page=1'])
    await call('GET', `/droplets${path}`)
  for (const path of ['', '/actions', '/firewalls']) await call('GET', `/droplets/${droplet.id}${path}`)
  const act = async (body: { type: string; size?: string; disk?: boolean; name?: string }, wrong = false) => {
    const { action } = await call('POST', `/droplets/${droplet.id}/actions`, body, wrong)
    if (wrong) return
    await call('GET', `/droplets/${droplet.id}/actions/${action.id}`)
    await settled()
    await call('GET', `/actions/${action.id}`)
  }
  await act({ type: 'resize', size: 's-2vcpu-4gb' }, true)
  await act({ type: 'reboot' })
  await act({ type: 'shutdown' })
  await act({ type: 'power_off' }, true)
  await act({ type: 'resize', size: 's-2vcpu-4gb', disk: false })
  await act({ type: 'resize', size: 's-1vcpu-1gb' }, true)
  await act({ type: 'snapshot', name: 'before' })
  await act({ type: 'power_on' })
  await act({ type: 'rename', name: 'main-1' })
  for (const path of ['/snapshots', '/snapshots?resource_type=droplet']) await call('GET', path)
  await call('DELETE', '/droplets?tag_name=pair')
  return droplet.id
}

async function firewalls(call: Call, droplet: number): Promise<void> {
  const everywhere = { addresses: ['0.0.0.0/0', '::/0'] }
  const wish = {
    name: 'main-firewall',
    inbound_rules: [{ protocol: 'tcp', ports: '443', sources: everywhere }],
    outbound_rules: [
      { protocol: 'tcp', ports: 'all', destinations: everywhere },
      { protocol: 'icmp', destinations: everywhere },
    ],
    droplet_ids: [droplet],
    tags: ['regrow:main'],
  }
  const { firewall } = await call('POST', '/firewalls', wish)
  await call('POST', '/firewalls', wish, true)
  await call('POST', '/firewalls', { ...wish, name: 'other', tags: ['unknown'] }, true)
  for (const path of ['/firewalls', `/firewalls/${firewall.id}`, `/droplets/${droplet}/firewalls`])
    await call('GET', path)
  await call('PUT', `/firewalls/${firewall.id}`, { ...wish, droplet_ids: null })
  for (const method of ['POST', 'DELETE']) {
    const at = `/firewalls/${firewall.id}`
    await call(method, `${at}/droplets`, { droplet_ids: [droplet] })
    await call(method, `${at}/tags`, { tags: ['regrow:main'] })
    await call(method, `${at}/rules`, {
      inbound_rules: [{ protocol: 'udp', ports: '53', sources: everywhere }],
    })
  }
  await call('DELETE', `/firewalls/${firewall.id}`)
}

async function addresses(
  call: Call,
  settled: () => Promise<void>,
  project: string,
  droplet: number,
): Promise<void> {
  const { reserved_ip: address } = await call('POST', '/reserved_ips', {
    region: 'fra1',
    project_id: project,
  })
  const at = `/reserved_ips/${address.ip}`
  for (const type of ['assign', 'unassign']) {
    const body = { type, ...(type === 'assign' ? { droplet_id: droplet } : {}) }
    const { action } = await call('POST', `${at}/actions`, body)
    await call('POST', `${at}/actions`, body, true)
    await call('GET', `${at}/actions/${action.id}`)
    await settled()
    for (const path of ['/reserved_ips', at, `${at}/actions`]) await call('GET', path)
  }
  const other = (await call('POST', '/reserved_ips', { droplet_id: droplet })).reserved_ip
  await settled()
  for (const ip of [address.ip, other.ip]) await call('DELETE', `/reserved_ips/${ip}`)
  await call('GET', at, undefined, true)
}

async function volumes(call: Call, settled: () => Promise<void>, droplet: number): Promise<void> {
  const wish = { name: 'pvc-1', size_gigabytes: 1, region: 'fra1', description: 'x', tags: ['regrow:main'] }
  const { volume } = await call('POST', '/volumes', wish)
  const at = `/volumes/${volume.id}`
  await call('POST', '/volumes', wish, true)
  await call('POST', '/volumes', { ...wish, name: 'big', size_gigabytes: 20_000 }, true)
  const act = async (body: unknown) => {
    const { action } = await call('POST', `${at}/actions`, body)
    await call('GET', `${at}/actions/${action.id}`)
    await settled()
  }
  await act({ type: 'attach', droplet_id: droplet, region: 'fra1' })
  await call('POST', `${at}/actions`, { type: 'attach', droplet_id: droplet }, true)
  await call('DELETE', at, undefined, true)
  for (const path of ['/volumes', '/volumes?name=pvc-1&region=fra1', at, `${at}/actions`])
    await call('GET', path)
  await act({ type: 'resize', size_gigabytes: 2 })
  const { snapshot } = await call('POST', `${at}/snapshots`, { name: 's1', tags: ['regrow:main'] })
  await call('POST', `${at}/snapshots`, { name: 's1' }, true)
  for (const path of [`${at}/snapshots`, `/volumes/snapshots/${snapshot.id}`, `/snapshots/${snapshot.id}`])
    await call('GET', path)
  await call('GET', '/snapshots?resource_type=volume')
  const from = { ...wish, name: 'copy', size_gigabytes: 2, snapshot_id: snapshot.id }
  const { volume: copy } = await call('POST', '/volumes', from)
  await act({ type: 'detach', droplet_id: droplet })
  for (const method of ['POST', 'DELETE'])
    await call(method, '/tags/regrow:main/resources', {
      resources: [{ resource_id: volume.id, resource_type: 'volume' }],
    })
  await call('DELETE', `/volumes/${copy.id}`)
  await call('DELETE', at)
  await call('DELETE', `/snapshots/${snapshot.id}`)
}
