import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Hardware, Machines, PluggedVolume } from '../../../sandbox/machines.ts'
import { acceleration } from './acceleration.ts'
import { writeConfigDrive } from './config-drive.ts'
import type { Image } from './image.ts'
import { type Described, serveMetadata } from './metadata.ts'
import { internet, leadAddress, plugCable, pullCable } from './network.ts'
import { replug, sized, volumeWords } from './volumes.ts'
import { openWitness, type Witness } from './witness.ts'

/** One virtual machine and what it is made of. */
interface Virtual extends Described {
  folder: string
  process: ChildProcess | undefined
  witness: Witness | undefined
  /** How often the power was put on. */
  starts: number
  /** Volumes that are plugged in, by id. */
  volumes: Map<string, PluggedVolume>
}

/** The fleet of a test: machines for the box, and a look behind them. */
export interface VirtualMachines extends Machines {
  has(name: string): boolean
  /** How often its power was put on so far. */
  starts(name: string): number
  machine(name: string): Virtual
  /** What the machine printed on its serial console so far. */
  console(name: string): string
  /** What a command prints on the machine, by the witness in its image; undefined where it does not answer in time. */
  ask(name: string, command: string, seconds?: number): Promise<string | undefined>
  /** Cuts the power, as a broken cable would. */
  cut(name: string): Promise<void>
  /** Puts the power on again. */
  power(name: string): Promise<void>
  end(): Promise<void>
}

interface Options {
  /** Seconds by which clocks of machines are off. */
  clockOff?: number
  /** A further disk that each may read, by its serial number `programs`. */
  programs?: string | undefined
}

/** Droplets as QEMU machines; each has a disk of its own over the image, two network cards, a console. */
export async function virtualMachines(
  image: Image,
  folder: string,
  options: Options = {},
): Promise<VirtualMachines> {
  const all = new Map<number, Virtual>()
  const closeMetadata = await serveMetadata(() => [...all.values()])
  const named = (name: string) => {
    const found = [...all.values()].find((one) => one.name === name)
    if (!found) throw new Error(`there is no machine ${name}`)
    return found
  }
  const on = async (one: Virtual) => {
    if (one.process) return
    one.starts++
    const disks = [...one.volumes.values()].flatMap((each) => volumeWords(folder, each))
    one.process = start(image, one, options, disks)
    one.witness = openWitness(join(one.folder, 'witness'))
    const { process } = one
    process.once('exit', async () => {
      if (one.process !== process) return
      one.process = undefined
      // Its last words are on their way to the file.
      await sleep(1000)
      // An emulated kernel panics now and then where a real one does not: its power is put on again.
      if (all.get(one.id) === one && panicked(one)) await on(one)
    })
  }
  const off = async (one: Virtual | undefined) => {
    const running = one?.process
    if (!one || !running) return
    one.process = undefined
    one.witness?.close()
    const gone = once(running, 'exit')
    running.kill('SIGKILL')
    await gone
  }
  return {
    boot: async (hardware) => {
      const known = all.get(hardware.id)
      if (known) Object.assign(known, { memory: hardware.memory, vcpus: hardware.vcpus })
      await on(known ?? add(all, folder, hardware))
    },
    halt: (id) => off(all.get(id)),
    destroy: async (id) => {
      const one = all.get(id)
      await off(one)
      all.delete(id)
      if (!one) return
      cables(id).forEach(pullCable)
      rmSync(one.folder, { recursive: true, force: true })
    },
    route: async (address, id) =>
      leadAddress(address, id === undefined ? undefined : all.get(id)?.publicAddress),
    plug: async (id, volume, plugged) => {
      const one = all.get(id)
      if (!one) return
      sized(folder, volume)
      if (plugged) one.volumes.set(volume.id, volume)
      else one.volumes.delete(volume.id)
      if (one.process) await replug(join(one.folder, 'qmp'), folder, volume, plugged)
    },
    has: (name) => [...all.values()].some((one) => one.name === name),
    starts: (name) => named(name).starts,
    machine: named,
    console: (name) => {
      const file = join(named(name).folder, 'console.log')
      return existsSync(file) ? readFileSync(file, 'utf8') : ''
    },
    ask: async (name, command, seconds = 300) => named(name).witness?.ask(command, seconds),
    cut: (name) => off(named(name)),
    power: (name) => on(named(name)),
    end: async () => {
      closeMetadata()
      for (const one of all.values()) await off(one)
      for (const id of all.keys()) cables(id).forEach(pullCable)
      all.clear()
    },
  }
}

const cables = (id: number) => [`pub${id}`, `vpc${id}`]

function add(all: Map<number, Virtual>, folder: string, hardware: Hardware): Virtual {
  const hex = hardware.id.toString(16).padStart(8, '0').slice(-8).match(/../g)?.join(':')
  const one: Virtual = {
    ...hardware,
    canReachOut: hardware.canReachOut,
    macs: { public: `52:54:${hex}`, private: `56:54:${hex}` },
    privatePrefix: 20,
    folder: join(folder, `droplet-${hardware.id}`),
    process: undefined,
    witness: undefined,
    starts: 0,
    volumes: new Map(),
  }
  mkdirSync(one.folder, { recursive: true })
  writeConfigDrive(configDrive(one), one)
  plugCable(internet.bridge, `pub${hardware.id}`)
  plugCable('private', `vpc${hardware.id}`)
  all.set(hardware.id, one)
  return one
}

// Its very last words, about starting again, may be missing.
const panicked = ({ folder }: Virtual) =>
  readFileSync(join(folder, 'console.log'), 'utf8').slice(-1000).includes('Kernel panic - not syncing')

const configDrive = ({ folder }: Virtual) => join(folder, 'config-2.iso')

// Debian's kernel has this disk's driver built in, so it starts without an initrd, whose work takes an emulated machine
// long. What the machine did not sync is lost with the power, because it lay in its memory. The emulator itself keeps
// nothing back: its NVMe disk would lose what the file system's journal had called written, and no droplet's disk does.
// Tests of the kernel's own ciphers are left out for the same reason, and one of the timer, because it panics where an
// emulator gets too little of the processor.
const untested = 'cryptomgr.notests no_timer_check'

// With -no-reboot a panic ends the emulator, instead of keeping it busy for ever.
const atPanic = 'panic=1'

function start(
  image: Image,
  one: Virtual,
  { clockOff = 0, programs }: Options,
  volumes: string[],
): ChildProcess {
  const disk = join(one.folder, 'disk.qcow2')
  if (!existsSync(disk))
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', image.disk, disk])
  const card = (id: string, tap: string, mac: string) => [
    '-netdev',
    `tap,id=${id},ifname=${tap},script=no,downscript=no`,
    '-device',
    `virtio-net-pci,netdev=${id},mac=${mac}`,
  ]
  const words = [
    ...['-M', 'q35', ...acceleration(image), '-m', `${one.memory}`, '-smp', `${one.vcpus}`],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    ...['-rtc', `base=${new Date(Date.now() + clockOff * 1000).toISOString().slice(0, 19)}`],
    ...['-kernel', image.kernel],
    ...[
      '-append',
      `root=/dev/nvme0n1 rw console=ttyS0 quiet systemd.show_status=false init=/usr/local/sbin/first ${untested} ${atPanic}`,
    ],
    ...['-smbios', `type=1,manufacturer=DigitalOcean,product=Droplet,serial=${one.id}`],
    ...['-drive', `file=${disk},if=none,id=disk,format=qcow2,cache.writeback=off,cache.no-flush=on`],
    ...['-device', 'nvme,drive=disk,serial=disk'],
    ...(programs
      ? [
          ...['-drive', `file=${programs},if=none,id=programs,format=raw,readonly=on`],
          ...['-device', 'virtio-blk-pci,drive=programs,serial=programs'],
        ]
      : []),
    ...['-drive', `file=${configDrive(one)},if=none,id=config,format=raw,readonly=on`],
    ...['-device', 'virtio-blk-pci,drive=config,serial=config'],
    ...['-device', 'virtio-scsi-pci,id=scsi'],
    ...volumes,
    ...card('public', `pub${one.id}`, one.macs.public),
    ...card('private', `vpc${one.id}`, one.macs.private),
    ...['-device', 'virtio-rng-pci', '-device', 'virtio-serial-pci'],
    ...['-chardev', `socket,id=witness,path=${join(one.folder, 'witness')},server=on,wait=off`],
    ...['-device', 'virtserialport,chardev=witness,name=witness'],
    ...['-serial', 'stdio'],
    ...['-qmp', `unix:${join(one.folder, 'qmp')},server=on,wait=off`],
  ]
  const log = createWriteStream(join(one.folder, 'console.log'), { flags: 'a' })
  const child = spawn('qemu-system-x86_64', words, { stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.pipe(log, { end: false })
  child.stderr.pipe(log, { end: false })
  child.once('close', () => log.end())
  return child
}
