import t from 'tap'
import { endpointFault } from '../../lib/cluster/endpoint.ts'

t.test('kit and keys go to a store by https, and nowhere else', async (t) => {
  for (const good of [
    'https://s3.eu-central-003.backblazeb2.com',
    'https://10.0.0.7:9000/',
    'https://[2001:db8::1]',
    'http://127.0.0.1:9000',
    'http://127.200.0.4:8000',
    'http://[::1]:9000',
    'http://localhost:9000',
  ])
    t.equal(endpointFault(good), undefined, good)
  for (const plain of [
    'http://s3.example.org',
    'http://10.0.0.7:9000',
    'http://localhost.example.org',
    'http://127.0.0.1.example.org',
    'http://[::ffff:10.0.0.1]',
  ])
    t.match(endpointFault(plain), /^must begin with https/, plain)
  for (const named of [
    'https://u:p@s3.example.org',
    'https://u@s3.example.org',
    'http://127.0.0.1@s3.example.org',
  ])
    t.match(endpointFault(named), /^must have no user/, named)
  for (const metadata of [
    'http://169.254.169.254',
    'https://169.254.1.1',
    'https://2852039166',
    'https://0xa9fea9fe',
    'https://[fe80::1]',
    'https://[fd00:ec2::254]',
    'https://[::ffff:169.254.169.254]',
    'https://100.100.100.200',
    'https://metadata.google.internal',
    'https://metadata.google.internal.',
    'https://0.0.0.0:9000',
    'https://[::]',
  ])
    t.match(endpointFault(metadata), /^is an address at which clouds answer/, metadata)
})
