/** What the simulated DigitalOcean needs of the thing that plays the hardware: paper, a virtual machine, real parts. */
export interface Machines {
  /** Power on; called for a new droplet and after each power-on. Must return soon, the machine goes on by itself. */
  boot(droplet: Hardware): Promise<void>
  /** Power off; volumes stay attached. */
  halt(dropletId: number): Promise<void>
  /** The droplet is gone for good. */
  destroy(dropletId: number): Promise<void>
  /** The reserved address now leads to this droplet, or to none. */
  route(address: string, dropletId: number | undefined): Promise<void>
  /** A volume was plugged in or out. */
  plug(dropletId: number, volume: PluggedVolume, plugged: boolean): Promise<void>
}

/** A volume as hardware sees it; paper's bytes lie in the world's `volumes/<id>/` folder. */
export interface PluggedVolume {
  id: string
  name: string
  size_gigabytes: number
}

/** A droplet as its hardware sees it. */
export interface Hardware {
  id: number
  name: string
  region: string
  /** MiB and processors of its size, which another power on may have changed. */
  memory: number
  vcpus: number
  tags: string[]
  publicAddress: string
  privateAddress: string
  /** As sent at creation, byte for byte. */
  userData: string
  /** False when no cloud firewall of the droplet's lets anything out: such a machine reaches nobody. */
  canReachOut(): boolean
  /** Whether the cloud firewalls let an address in from outside, on a TCP port; where this is missing, everyone. */
  admits?(port: number, from: string): boolean
}

/** Hardware that does nothing: for a world without droplets, or one whose machines come later. */
export const noMachines: Machines = {
  boot: async () => {},
  halt: async () => {},
  destroy: async () => {},
  route: async () => {},
  plug: async () => {},
}
