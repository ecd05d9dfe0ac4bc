import t from 'tap'
import { overlap } from '../../lib/cluster/ranges.ts'

for (const [one, other, meets] of [
  ['10.42.0.0/16', '10.42.255.0/24', true],
  ['10.42.0.0/16', '10.43.0.0/16', false],
  ['0.0.0.0/0', '203.0.113.7/32', true],
  ['10.110.0.0/20', '10.110.16.0/20', false],
  ['10.110.15.0/24', '10.110.0.0/20', true],
  ['255.255.255.255/32', '0.0.0.0/1', false],
] as const)
  t.test(`${one} and ${other} ${meets ? 'meet' : 'do not meet'}`, async (t) => {
    t.equal(overlap(one, other), meets)
    t.equal(overlap(other, one), meets)
  })
