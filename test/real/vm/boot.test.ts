import t from 'tap'
import { inOwnNetwork, openGround, trueK3s, without } from './ground.ts'
import { changedHardware, changedVolumes } from './hardware.ts'
import { firstServer, steps } from './install.ts'

// A real Debian 13 on a virtual machine takes the user-data of an unchanged bootstrap, and loses its power at the start and
// at the end of every step: cloud-init, systemd, the kernel, the disk's cache and the node's scripts are real.
// DigitalOcean, Spaces and GitHub are SIMULATED, and so is k3s, by a script that says yes.

if (without) t.test('a real machine', { skip: without }, async () => {})
else {
  inOwnNetwork(import.meta.filename)
  const ground = await openGround({ k3s: 'script' })
  t.teardown(() => ground.close())
  await t.test('a first server installs itself through eight power cuts', { timeout: 7_200_000 }, (t) =>
    firstServer(t, ground, { cutAt: steps, api: trueK3s }),
  )
  await t.test('volumes come and go', { timeout: 600_000 }, (t) => changedVolumes(t, ground, 'main-1'))
  await t.test('it gets larger', { timeout: 1_800_000 }, (t) => changedHardware(t, ground, 'main-1'))
}
