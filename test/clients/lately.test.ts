import t from 'tap'
import { guardChanges, mayChange, noteChange } from '../../lib/base/change.ts'
import { asOf, lately } from '../../lib/clients/lately.ts'

/** A client that counts how often it is asked. */
function client() {
  let asked = 0
  return {
    asked: () => asked,
    vpcs: async () => [`${++asked}`],
    named: async (name: string) => [`${name} ${++asked}`],
    fails: async (): Promise<string[]> => {
      throw new Error(`${++asked}`)
    },
  }
}

t.test('who look within one phase share the answer, also while it is on its way', async (t) => {
  const cloud = client()
  t.same(await Promise.all([lately(cloud).vpcs(), lately(cloud).vpcs()]), [['1'], ['1']])
  t.same(await lately(cloud).vpcs(), ['1'])
  t.same(await lately(cloud).named('a'), ['a 2'])
  t.same(await lately(cloud).named('b'), ['b 3'], 'another question')
  t.same(await lately(client()).vpcs(), ['1'], 'another client')
})

t.test('what must be known as it is now is asked for', async (t) => {
  const cloud = client()
  await lately(cloud).vpcs()
  t.same(await asOf(cloud, performance.now()).vpcs(), ['2'])
  t.same(await lately(cloud).vpcs(), ['2'], 'and known from then on')
})

t.test('after a change of this run nothing seen before is taken to be so', async (t) => {
  const cloud = client()
  await lately(cloud).vpcs()
  noteChange()
  t.same(await lately(cloud).vpcs(), ['2'])
})

t.test('nor what was seen before the lock was gained', async (t) => {
  const cloud = client()
  await lately(cloud).vpcs()
  let gained: number | undefined
  guardChanges(async () => {
    gained ??= performance.now()
    return gained
  })
  await mayChange()
  t.same(await lately(cloud).vpcs(), ['2'])
  await mayChange()
  t.same(await lately(cloud).vpcs(), ['2'], 'the lock is the same')
})

t.test('a failure is told to nobody later', async (t) => {
  const cloud = client()
  await t.rejects(lately(cloud).fails(), { message: '1' })
  await t.rejects(lately(cloud).fails(), { message: '2' })
})
