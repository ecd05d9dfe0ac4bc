import { once } from 'node:events'
import { closeSync, fstatSync, ftruncateSync, openSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import type { PluggedVolume } from '../../../sandbox/machines.ts'

// A volume's bytes lie beside the machines' folders, so that they outlive a machine and move to another.
const file = (folder: string, { id }: PluggedVolume) => join(folder, `volume-${id}.raw`)

const deviceId = ({ id }: PluggedVolume) => `v${id.replaceAll('-', '').slice(0, 20)}`

/** Makes a volume's file, or lets it grow, to its size; only what is written takes room. */
export function sized(folder: string, volume: PluggedVolume): void {
  const open = openSync(file(folder, volume), 'a')
  const bytes = volume.size_gigabytes * 2 ** 30
  if (fstatSync(open).size < bytes) ftruncateSync(open, bytes)
  closeSync(open)
}

const block = (folder: string, volume: PluggedVolume) => ({
  driver: 'raw',
  'node-name': `${deviceId(volume)}b`,
  file: { driver: 'file', filename: file(folder, volume) },
})

// The device's own name, because of a serial number QEMU shows no more than twenty letters.
const device = (volume: PluggedVolume) => ({
  driver: 'scsi-hd',
  bus: 'scsi.0',
  id: deviceId(volume),
  drive: `${deviceId(volume)}b`,
  vendor: 'DO',
  product: 'Volume',
  device_id: volume.name,
})

/** QEMU's words for a volume that is plugged in when the power comes on. */
export const volumeWords = (folder: string, volume: PluggedVolume): string[] => [
  ...['-blockdev', JSON.stringify(block(folder, volume))],
  ...['-device', JSON.stringify(device(volume))],
]

/**
 * Plugs a volume in or out while the machine runs; it shows as /dev/disk/by-id/scsi-0DO_Volume_<name>.
 * @param monitor the socket where QEMU takes commands
 * @throws Error with what QEMU refused
 */
export async function replug(
  monitor: string,
  folder: string,
  volume: PluggedVolume,
  plugged: boolean,
): Promise<void> {
  const id = deviceId(volume)
  const commands = plugged
    ? [
        { execute: 'blockdev-add', arguments: block(folder, volume) },
        { execute: 'device_add', arguments: device(volume) },
      ]
    : [
        { execute: 'device_del', arguments: { id } },
        { execute: 'blockdev-del', arguments: { 'node-name': `${id}b` } },
      ]
  await speak(monitor, commands)
}

/** Speaks QMP: each command waits for its answer, and where it takes a device away for that device's end. */
async function speak(monitor: string, commands: { execute: string; arguments?: object }[]): Promise<void> {
  const socket = createConnection(monitor)
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk
  })
  const count = (what: RegExp) => text.match(what)?.length ?? 0
  await once(socket, 'connect')
  for (const [index, each] of [{ execute: 'qmp_capabilities' }, ...commands].entries()) {
    socket.write(`${JSON.stringify(each)}\n`)
    while (count(/"(return|error)":/g) <= index) await once(socket, 'data')
    if (text.includes('"error":')) break
    while (each.execute === 'device_del' && count(/"DEVICE_DELETED"/g) === 0) await once(socket, 'data')
  }
  socket.end()
  if (text.includes('"error":')) throw new Error(`QEMU refused: ${text.slice(-500)}`)
}
