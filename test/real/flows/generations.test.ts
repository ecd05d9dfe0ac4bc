import t from 'tap'
import { openTestBox } from '../../flows/box.ts'
import { playGeneration } from '../../flows/generation.ts'
import { openShop } from '../../flows/shop.ts'

// One SIMULATED cluster that is lost and brought back, again and again: each test stands on what the one before left.

t.setTimeout(600_000) // many flows, on a machine that may be busy
const box = await openTestBox(t)
const shop = await openShop(box)
await shop.write()
await shop.backUp('before-the-loss')

for (const n of [1, 2, 3])
  t.test(`generation ${n}: everything is lost but the buckets and Git, and comes back`, (t) =>
    playGeneration(t, shop, n),
  )
