import t from 'tap'
import {
  chartNames,
  chartOf,
  k3sAddress,
  tools,
  upstreamFiles,
  versionsOf,
} from '../../lib/cluster/versions.ts'

t.test('everything that is fetched names its exact version in its address', async (t) => {
  const versions = versionsOf()
  const files = upstreamFiles(versions)
  t.same(
    files.map(({ name }) => name),
    [
      'k3s',
      'argo-cd',
      'velero',
      'sealed-secrets',
      'traefik',
      'csi-digitalocean/crds.yaml',
      'csi-digitalocean/driver.yaml',
      'csi-digitalocean/snapshot-controller.yaml',
    ],
  )
  for (const file of files) {
    const [part = ''] = file.name.split('/')
    const version = versions[part as keyof typeof versions]
    if ('chart' in file) t.match(file.chart, { version, repository: /^https:\/\// }, file.name)
    else t.ok(file.address.startsWith('https://') && decodeURIComponent(file.address).includes(version))
  }
})

t.test('the plus sign of a k3s version is escaped in its address', async (t) => {
  t.equal(k3sAddress('v1.36.5+k3s1'), 'https://github.com/k3s-io/k3s/releases/download/v1.36.5%2Bk3s1/k3s')
})

t.test('an override moves the chart too', async (t) => {
  for (const name of chartNames)
    t.match(chartOf(name, versionsOf({ [name]: '99.1.2' })), { chart: name, version: '99.1.2' })
})

t.test('the tool that is fetched lies in the range that is accepted', async (t) => {
  const number = (version: string) =>
    version.split('.').reduce((total, part) => total * 1000 + Number(part), 0)
  for (const [name, { version, from, below, address, sums, member }] of Object.entries(tools)) {
    t.ok(number(from) <= number(version) && number(version) < number(below), name)
    t.match(address('linux', 'amd64'), version, name)
    t.match(address('darwin', 'arm64'), /darwin.arm64/, name)
    t.equal(address('linux', 'amd64').endsWith('.tar.gz'), member !== undefined, name)
    t.ok(sums('linux', 'amd64').startsWith('https://'), name)
  }
})
