import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Described, describe } from './metadata.ts'

/** The folders of a droplet's drive; all three have the same files, as somebody's listing of one shows. */
const versions = ['2012-08-10', '2015-10-16', 'latest']

/**
 * Writes the drive `config-2` that a droplet has beside the metadata service, with the same data in OpenStack's forms.
 * Names and `meta_data.json` are as seen on a droplet; what `network_data.json` says there was never seen, so it is as
 * OpenStack's specification has it and cloud-init reads it.
 * @param file where the drive's image is written
 */
export function writeConfigDrive(file: string, one: Described): void {
  const told = describe(one)
  const root = `${file}.d`
  const write = (path: string, text: string) => writeFileSync(join(root, path), text)
  mkdirSync(root, { recursive: true })
  write('digitalocean_meta_data.json', JSON.stringify(told))
  for (const version of versions) {
    const folder = join('openstack', version)
    mkdirSync(join(root, folder), { recursive: true })
    write(join(folder, 'meta_data.json'), JSON.stringify(metaData(told)))
    write(join(folder, 'network_data.json'), JSON.stringify(networkData(told)))
    write(join(folder, 'user_data'), told.user_data)
    write(join(folder, 'vendor_data.json'), JSON.stringify({ 'cloud-init': told.vendor_data }))
  }
  const words = ['-as', 'mkisofs', '-quiet', '-V', 'config-2', '-R', '-J', '-o', file, root]
  execFileSync('xorriso', words, { stdio: 'pipe' })
  rmSync(root, { recursive: true })
}

type Told = ReturnType<typeof describe>

function metaData({ droplet_id, hostname, region, public_keys }: Told) {
  const id = String(droplet_id)
  return {
    availability_zone: region,
    hostname,
    instance_id: id,
    public_keys: Object.fromEntries(public_keys.map((key, index) => [String(index), key])),
    uuid: id,
  }
}

function networkData({ interfaces, dns }: Told) {
  const cards = [...interfaces.public, ...interfaces.private]
  return {
    links: cards.map(({ mac, type }) => ({ id: type, type: 'phy', ethernet_mac_address: mac })),
    networks: cards.map(({ type, ipv4: { ip_address, netmask, gateway } }) => ({
      id: type,
      type: 'ipv4',
      link: type,
      ip_address,
      netmask,
      // Not as a route: for those cloud-init's words to ifupdown call `route`, which a small Debian does not have.
      ...(type === 'public' ? { gateway } : {}),
    })),
    services: dns.nameservers.map((address) => ({ type: 'dns', address })),
  }
}
