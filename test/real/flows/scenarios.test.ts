import t from 'tap'
import { openTestBox } from '../../flows/box.ts'
import { playAll } from '../../flows/scenarios.ts'
import { openShop } from '../../flows/shop.ts'

// The suite that test/real/cluster/on-parts.test.ts plays on real parts, here in the SIMULATED cluster.

t.setTimeout(600_000) // many flows, on a machine that may be busy
const box = await openTestBox(t)
await playAll(t, box, await openShop(box))
