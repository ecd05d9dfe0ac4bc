import { parts } from '../../../lib/cluster/versions.ts'
import { box } from './boxes.ts'
import { keys, type Row } from './row.ts'

/** A text of cluster.yaml, and what is said of it. */
const descriptions: [string, string][] = [
  ['a: [', 'is not valid YAML: unexpected end of the stream within a flow collection (1:5)'],
  ['size: a\nsize: b', 'is not valid YAML: duplicated mapping key (2:1)'],
  ['- a\n- b', 'must be keys with values'],
  ['colour: red', 'has no key “colour”'],
  ['network: {rnage: 10.0.0.0/8}', 'network has no key “rnage”, did you mean “range”?'],
  ['nodes: [{nmae: main-1}]', 'nodes.0.name is missing; nodes.0 has no key “nmae”, did you mean “name”?'],
  ['cluster: 5', 'cluster “5” must be text'],
  [
    'cluster: Main',
    'cluster “Main” must start with a letter, have at most 20 of a-z, 0-9 and -, and not end with -',
  ],
  [
    'cluster: a12345678901234567890',
    'cluster “a12345678901234567890” must start with a letter, have at most 20 of a-z, 0-9 and -, and not end with -',
  ],
  ['region: frankfurt', 'region “frankfurt” is not a region such as fra1'],
  ['size: S 1', 'size “S 1” is not a size such as s-1vcpu-2gb'],
  ['image: Debian 13', 'image “Debian 13” is not an image such as debian-13-x64'],
  ['datastore: mysql', 'datastore “mysql” must be one of sqlite, etcd'],
  ['nodes: main-1', 'nodes “main-1” must be a list'],
  ['nodes: [{name: main}]', 'nodes names main, which is not main-<a number below nextNode, 1>'],
  ['nodes: [{name: main-1, role: boss}]', 'nodes.0.role “boss” must be one of server, agent'],
  ['nextNode: 2\nnodes: [{name: main-1, role: agent}]', 'nodes begins with main-1, which is not a server'],
  ['nextNode: 2\nnodes: [{name: main-1}, {name: main-1, role: agent}]', 'nodes names main-1 twice'],
  [
    'nextNode: 3\nnodes: [{name: main-1}, {name: main-2}]',
    'nodes has 2 servers; SQLite serves one, etcd several',
  ],
  ['nextNode: 0', 'nextNode “0” must be at least 1'],
  ['nextNode: 1.5', 'nextNode “1.5” must be a whole number'],
  [
    'network: {range: 10.0.0.0/33}',
    'network.range “10.0.0.0/33” is not an address range such as 203.0.113.7/32',
  ],
  [
    'network: {range: 10.0.0.1/20}',
    'network.range “10.0.0.1/20” is not a network: the address has bits beyond its prefix, or it is not IPv4',
  ],
  [
    'network: {range: 8.8.0.0/20}',
    'network.range “8.8.0.0/20” is not private: take one of 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16',
  ],
  [
    'network: {range: 10.0.0.0/8}',
    'network.range “10.0.0.0/8” has a size that DigitalOcean does not make: take /16 to /28',
  ],
  ['network: {adminCidrs: []}', 'network.adminCidrs must have at least 1'],
  [
    'network: {adminCidrs: [10.0.0.1]}',
    'network.adminCidrs.0 “10.0.0.1” is not an address range such as 203.0.113.7/32',
  ],
  ['domain: localhost', 'domain “localhost” is not a domain such as example.org'],
  ['email: me', 'email “me” is not an e-mail address'],
  [
    'backups: {schedule: daily}',
    'backups.schedule “daily” is not a cron schedule of five fields of numbers such as 17 3 * * *',
  ],
  [
    'backups: {schedule: 61 3 * * *}',
    'backups.schedule “61 3 * * *” is not a cron schedule of five fields of numbers such as 17 3 * * *',
  ],
  [
    'backups: {schedule: 1 3 * * 7}',
    'backups.schedule “1 3 * * 7” is not a cron schedule of five fields of numbers such as 17 3 * * *',
  ],
  ['backups: {keepDays: 0}', 'backups.keepDays “0” must be at least 1'],
  ['backups: {keepDays: 9999}', 'backups.keepDays “9999” must be at most 3650'],
  ['backups: {volumes: tape}', 'backups.volumes “tape” must be one of s3, snapshot'],
  [
    'backups: {volumes: snapshot, keepDays: 25}',
    'backups.keepDays “25” must be at most 24 with snapshots, less where several are taken a day: DigitalOcean keeps 25 a volume',
  ],
  [
    'store: {endpoint: "https://s3.example.org"}',
    'store needs region, velero and kit beside endpoint: you make the buckets there yourself',
  ],
  [
    'store: {endpoint: "ftp://x", region: eu-1, velero: one, kit: two}',
    'store.endpoint “ftp://x” is not an address such as https://s3.example.org',
  ],
  [
    'store: {endpoint: "http://s3.example.org", region: eu-1, velero: one, kit: two}',
    'store.endpoint “http://s3.example.org” must begin with https://, because every key goes there',
  ],
  [
    'store: {endpoint: "https://me:pw@s3.example.org", region: eu-1, velero: one, kit: two}',
    'store.endpoint “https://me:pw@s3.example.org” must have no user and no password in it',
  ],
  [
    'store: {endpoint: "https://[::ffff:169.254.169.254]", region: eu-1, velero: one, kit: two}',
    'store.endpoint “https://[::ffff:169.254.169.254]” is an address at which clouds answer their own machines, and no store',
  ],
  [
    'store: {endpoint: "https://s3.example.org/a", region: eu-1, velero: one, kit: two}',
    'store.endpoint “https://s3.example.org/a” must have no path',
  ],
  ['store: {region: East One}', 'store.region “East One” is not a region such as eu-central-1'],
  [
    'store: {velero: My_Bucket}',
    'store.velero “My_Bucket” is not a bucket’s name: 3 to 63 of a-z, 0-9 and -',
  ],
  [
    'store: {velero: one, kit: one}',
    'store.kit “one” must be another bucket than velero: the cluster’s key may not open the kit',
  ],
  ['versions: {k3z: v1.2.3}', `versions.k3z “v1.2.3” is not one of ${Object.keys(parts).join(', ')}`],
  [
    'versions: {velero-plugin-for-aws: v1.14.2}',
    'versions.velero-plugin-for-aws “v1.14.2” damages what it writes to Spaces (velero#9951): take v1.14.3 or leave it out',
  ],
  ['versions: {k3s: latest}', 'versions.k3s “latest” is not an exact version'],
  ['digests: {k3s: abc}', 'digests.k3s “abc” is not a SHA-256: 64 of 0-9 and a-f'],
]

/** What is wrong in cluster.yaml itself. */
export const described = descriptions.map(
  ([text, fault]): Row => ({
    run: 'bootstrap.mts --config wrong.yaml',
    given: () => box.file('wrong.yaml', text),
    code: 2,
    says: [`wrong.yaml cannot be used: ${fault}`, keys],
  }),
)
