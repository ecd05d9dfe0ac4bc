import type { Test } from 'tap'
import { z } from 'zod'
import { type Ground, seen, until } from './ground.ts'

const droplets = z.object({
  droplets: z.tuple([z.object({ id: z.number(), region: z.object({ slug: z.string() }) })]),
})
const made = z.object({ volume: z.object({ id: z.string() }) })
const begun = z.object({ action: z.object({ id: z.number(), status: z.string() }) })

/** A volume, named as the CSI driver names them, is plugged in, out and in again while the machine runs. */
export async function changedVolumes(t: Test, ground: Ground, name: string): Promise<void> {
  const { machines, api } = ground
  const volume = 'pvc-0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d'
  const path = `/dev/disk/by-id/scsi-0DO_Volume_${volume}`
  const look = (command: string) => machines.ask(name, command)
  const { id, region } = await droplet(ground, name)
  const wish = { name: volume, size_gigabytes: 3, region: region.slug }
  const actions = `/volumes/${made.parse(await api('POST', '/volumes', wish)).volume.id}/actions`
  const act = (type: string) => ended(ground, actions, { type, droplet_id: id })
  await act('attach')
  await seen(machines, name, `[ -b ${path} ]`, 2)
  t.equal(await look(`lsblk -bdno SIZE ${path}`), `${3 * 2 ** 30}\n`, 'it has its size')
  await look(`echo kept | dd of=${path} conv=fsync status=none`)
  await act('detach')
  await seen(machines, name, `[ ! -e ${path} ] && ! lsblk -dno VENDOR | grep -q DO`, 2)
  await ended(ground, actions, { type: 'resize', size_gigabytes: 4 })
  await act('attach')
  await seen(machines, name, `[ -b ${path} ]`, 2)
  t.equal(await look(`lsblk -bdno SIZE ${path}`), `${4 * 2 ** 30}\n`, 'it has grown')
  t.equal(await look(`head -c 5 ${path}`), 'kept\n', 'and kept its bytes')
}

/** Off, resized, on: the machine has more memory and processors, its volume, and nothing to install. */
export async function changedHardware(t: Test, ground: Ground, name: string): Promise<void> {
  const { machines } = ground
  const look = (command: string) => machines.ask(name, command)
  const kibibytes = async () => Number((await look('cat /proc/meminfo'))?.match(/MemTotal: +(\d+)/)?.[1])
  const before = await kibibytes()
  t.ok(before > 1.8 * 2 ** 20 && before < 2 * 2 ** 20, `${before} KiB of 2 GiB`)
  t.equal(await look('nproc'), '1\n', 'one processor')
  const actions = `/droplets/${(await droplet(ground, name)).id}/actions`
  await ended(ground, actions, { type: 'power_off' })
  await ended(ground, actions, { type: 'resize', size: 's-2vcpu-4gb', disk: false })
  const since = performance.now()
  await ended(ground, actions, { type: 'power_on' })
  await seen(machines, name, 'systemctl is-active -q k3s.service', 20)
  t.comment(`k3s.service active ${Math.round((performance.now() - since) / 1000)} s after power on`)
  const after = await kibibytes()
  t.ok(after > 3.7 * 2 ** 20 && after < 4 * 2 ** 20, `${after} KiB of 4 GiB`)
  t.equal(await look('nproc'), '2\n', 'two')
  t.equal(await look('systemctl is-active regrow.service'), 'inactive\n', 'the unit is idle')
  t.match(await look('ls /dev/disk/by-id'), 'scsi-0DO_Volume_pvc-', 'the volume is still there')
}

async function droplet({ api }: Ground, name: string) {
  return droplets.parse(await api('GET', `/droplets?name=${name}`)).droplets[0]
}

async function ended({ api }: Ground, path: string, wish: object): Promise<void> {
  const { action } = begun.parse(await api('POST', path, wish))
  const now = async () => begun.parse(await api('GET', `/actions/${action.id}`)).action.status
  await until(`${JSON.stringify(wish)} is done`, async () => (await now()) !== 'in-progress', 2)
  if ((await now()) !== 'completed') throw new Error(`${JSON.stringify(wish)} went wrong`)
}
