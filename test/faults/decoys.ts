import { generateKeyPairSync } from 'node:crypto'
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'

/** How the simulated clouds are spoken to as their owner. */
export interface Owner {
  env: Record<string, string>
}

/**
 * Fills an account with things that look like a cluster's own and belong to somebody else: the same names without the
 * tag, tags and prefixes that only begin alike, projects, buckets, keys, repositories.
 */
export async function plantDecoys({ env }: Owner): Promise<void> {
  const cloud = (path: string, body: object) =>
    speak(`${env.REGROW_DIGITALOCEAN_URL}/v2/${path}`, env.DIGITALOCEAN_TOKEN, body)
  const github = (path: string, body: object) =>
    speak(`${env.REGROW_GITHUB_URL}${path}`, env.GITHUB_TOKEN, body)
  const droplet = { region: 'fra1', size: 's-1vcpu-2gb', image: 'debian-13-x64' }
  await cloud('tags', { name: 'regrow:main2' })
  await cloud('tags', { name: 'regrow' })
  await cloud('projects', { name: 'regrow-main-old', purpose: 'Service or API' })
  await cloud('projects', { name: 'Regrow-main', purpose: 'Service or API' })
  await cloud('vpcs', { name: 'main-network-2', region: 'fra1', ip_range: '10.200.0.0/20' })
  await cloud('droplets', { ...droplet, name: 'main-1' })
  await cloud('droplets', { ...droplet, name: 'main-2', tags: ['regrow:main2'] })
  await cloud('volumes', { name: 'pvc-0', region: 'fra1', size_gigabytes: 1, tags: ['regrow:main2'] })
  await cloud('volumes', { name: 'hello', region: 'fra1', size_gigabytes: 1 })
  await cloud('reserved_ips', { region: 'fra1' })
  const rule = { entry_protocol: 'tcp', entry_port: 80, target_protocol: 'tcp', target_port: 80 }
  const balancer = { region: 'fra1', forwarding_rules: [rule] }
  const { droplets } = await speak(`${env.REGROW_DIGITALOCEAN_URL}/v2/droplets`, env.DIGITALOCEAN_TOKEN)
  const behind = (droplets as { id: number }[]).map(({ id }) => id)
  await cloud('load_balancers', { ...balancer, name: 'main-1', droplet_ids: behind })
  await cloud('load_balancers', { ...balancer, name: 'regrow-main', tag: 'regrow:main2' })
  await cloud('load_balancers', { ...balancer, name: 'a0123456789abcdef0123456789abcdef' })
  const anywhere = { addresses: ['0.0.0.0/0'] }
  await cloud('firewalls', {
    name: 'main-firewall-old',
    tags: ['regrow:main2'],
    inbound_rules: [{ protocol: 'tcp', ports: '22', sources: anywhere }],
    outbound_rules: [],
  })
  const { publicKey } = generateKeyPairSync('ed25519')
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
  const blob = Buffer.concat([Buffer.from('0000000b7373682d6564323535313900000020', 'hex'), raw])
  await cloud('account/keys', { name: 'main-key-2', public_key: `ssh-ed25519 ${blob.toString('base64')} me` })
  blob[blob.length - 1] = (blob[blob.length - 1] ?? 0) ^ 1
  await cloud('account/keys', {
    name: 'main-key',
    public_key: `ssh-ed25519 ${blob.toString('base64')} me@main`,
  })
  const s3 = new S3Client({
    endpoint: env.AWS_ENDPOINT_URL ?? '',
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: {
      accessKeyId: env.AWS_ACCESS_KEY_ID ?? '',
      secretAccessKey: env.AWS_SECRET_ACCESS_KEY ?? '',
    },
  })
  for (const Bucket of ['regrow-main', 'regrow-main-0123456789-velero', 'regrow-main-0123456789-kit']) {
    await s3.send(new CreateBucketCommand({ Bucket }))
    await s3.send(new PutObjectCommand({ Bucket, Key: 'kit.json', Body: '{}' }))
  }
  for (const name of [
    'regrow-main-velero-backup',
    'my-regrow-main-velero-1',
    'regrow-main2-operator-20261123t000000z',
  ])
    await cloud('spaces/keys', { name, grants: [{ bucket: 'regrow-main', permission: 'read' }] })
  await github('/user/repos', { name: 'regrow-main-old', private: true, auto_init: true })
  await github('/user/repos', { name: 'regrow', private: true, auto_init: true })
}

async function speak(
  url: string,
  token: string | undefined,
  body?: object,
): Promise<Record<string, unknown>> {
  const answer = await fetch(url, {
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body ? { method: 'POST', body: JSON.stringify(body) } : {}),
  })
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`)
  return (await answer.json()) as Record<string, unknown>
}
