import t from 'tap'
import { shutOut, whoMayConnect } from '../../lib/kubernetes/who-may-connect.ts'

const office = ['203.0.113.0/24', '2001:db8::/32']

t.test('a step that cannot connect names port, ranges and its own address as far as known', async (t) => {
  const outside = whoMayConnect('192.0.2.7', office, ['198.51.100.9'])
  for (const word of [
    'Port 6443 of 192.0.2.7',
    '203.0.113.0/24, 2001:db8::/32',
    '198.51.100.9, which is not among',
  ])
    t.ok(outside.includes(word), word)
  t.match(outside, '--admin-cidr 203.0.113.0/24,2001:db8::/32,198.51.100.9/32 lets it in')
  t.match(whoMayConnect('192.0.2.7', office, ['203.0.113.77']), '203.0.113.77, which is among them')
  t.match(whoMayConnect('192.0.2.7', office, []), 'It is not known here')
  t.match(whoMayConnect('192.0.2.7', ['0.0.0.0/0'], []), 'to everyone, so something else is in the way')
})

t.test('who shuts himself out is told before', async (t) => {
  t.equal(shutOut(office, ['198.51.100.9']), '198.51.100.9')
  t.equal(shutOut(office, ['203.0.113.77']), undefined)
  t.equal(shutOut(['0.0.0.0/0'], ['198.51.100.9']), undefined)
  t.equal(shutOut(office, []), undefined, 'not known behind a router')
})

t.test('a private address of this machine is not taken for its own in the world', async (t) => {
  t.notMatch(whoMayConnect('192.0.2.7', ['10.0.0.0/8']), /This machine has (10|127|172|192\.168)\./)
})
