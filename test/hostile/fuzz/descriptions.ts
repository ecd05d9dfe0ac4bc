import { dump } from 'js-yaml'
import { Problem } from '../../../lib/base/problem.ts'
import { parseDescription, renderDescription } from '../../../lib/cluster/description.ts'
import type { Target } from './target.ts'

const good = {
  cluster: 'main',
  region: 'fra1',
  size: 's-1vcpu-2gb',
  image: 'debian-13-x64',
  datastore: 'sqlite',
  nodes: [
    { name: 'main-1', role: 'server' },
    { name: 'main-2', role: 'agent', size: 's-2vcpu-4gb' },
  ],
  nextNode: 3,
  network: { range: '10.110.0.0/20', adminCidrs: ['203.0.113.7/32'] },
  domain: 'example.org',
  email: 'me@example.org',
  backups: { schedule: '17 3 * * *', keepDays: 30, volumes: 's3' },
  store: { endpoint: 'https://s3.example.org', region: 'eu-1', velero: 'my-velero', kit: 'my-kit' },
  versions: { velero: 'v1.18.1' },
  digests: { k3s: 'a'.repeat(64) },
}

/** JSON is YAML as well; what is nested deep takes minutes to be written otherwise. */
function yamlOf(value: unknown): string {
  const json = JSON.stringify(value) ?? ''
  return json.includes('{"a":['.repeat(20)) ? json : dump(value, { skipInvalid: true })
}

/** `cluster.yaml`, as whoever writes to Git may write it. */
export const descriptions: Target = async (random, told) => {
  const value = random.changed(good)
  const yaml = yamlOf(value)
  const text = random.pick([
    () => yaml,
    () => JSON.stringify(value) ?? '',
    () => random.garbled(yaml),
    () => `${yaml}${random.text()}: ${random.text()}\n`,
    () => `a: &a [${random.text()}]\n${yaml.replace(/^size: .*$/m, 'size: *a')}`,
    () => random.text(),
  ])()
  const read = parseDescription(text)
  if ('faults' in read)
    return told(new Problem(read.faults.map(({ key, fault }) => `${key} ${fault}`).join('; ')))
  const { description } = read
  told(description)
  for (const one of [
    description.size,
    description.image,
    description.region,
    ...description.nodes.flatMap(({ name, size }) => [name, size ?? '']),
  ])
    if (/^-/.test(one)) throw new Error(`${one} would be an option`)
  const again = parseDescription(renderDescription(description))
  if (!('description' in again)) throw new Error('what was read cannot be written and read again')
}
