import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { nameServer } from './network.ts'

/** What a Debian 13 droplet has that matters here: systemd, cloud-init, its kernel for clouds, and the small tools. */
const packages =
  'systemd-sysv systemd-resolved libnss-resolve udev dbus cloud-init cloud-guest-utils linux-image-cloud-amd64 curl ' +
  'ca-certificates nftables iproute2 kmod python3 netplan.io procps e2fsprogs openssl apt-utils ifupdown'

// What tests look through, because nobody can log in: each line from the port is run, its output answered in Base64.
// Reads give nothing while nobody is at the other end, so it tries again instead of ending.
const added = {
  'usr/local/sbin/witness': `#!/bin/bash
until [ -c /dev/virtio-ports/witness ]; do sleep 0.2; done
exec 3<>/dev/virtio-ports/witness
while :; do
  while read -r id line <&3; do
    answer=$({ eval "$line"; } 2>&1 </dev/null 3>&- | base64 -w0)
    echo "$id $answer" >&3
  done
  sleep 0.2
done
`,
  'etc/systemd/system/witness.service': `[Unit]
DefaultDependencies=no
After=systemd-udevd.service
StartLimitIntervalSec=0
[Service]
ExecStart=/usr/local/sbin/witness
Restart=always
RestartSec=1
[Install]
WantedBy=sysinit.target
`,
  // A droplet's initrd has this driver, so its config drive is there before the first unit, when cloud-init's generator
  // looks for data sources. These machines start without an initrd.
  'usr/local/sbin/first': `#!/bin/sh
/usr/sbin/modprobe virtio_blk
exec /sbin/init
`,
  // As Debian's unattended-upgrades has it, which an image may bring: its name sorts behind every number.
  'usr/lib/systemd/logind.conf.d/unattended-upgrades-logind-maxdelay.conf':
    '[Login]\nInhibitDelayMaxSec=30\n',
  'etc/systemd/resolved.conf.d/names.conf': `[Resolve]\nDNS=${nameServer}\n`,
  // An emulated machine takes minutes for what a droplet does in seconds.
  'etc/systemd/system/regrow.service.d/slow.conf': '[Service]\nEnvironment=REGROW_K3S_DEADLINE=1200\n',
}

/** Files of an image from which a machine boots; the disk is never written, machines lay a copy over it. */
export interface Image {
  disk: string
  kernel: string
}

/** Why no virtual machine can be tried here, or false. */
export const missing: string | false = (() => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'NOT RUN: needs Linux and root'
  const wanted = ['qemu-system-x86_64', 'qemu-img', 'mmdebstrap', 'mke2fs', 'xorriso', 'unshare', 'ip', 'nft']
  const absent = wanted.filter((name) => spawnSync('which', [name]).status !== 0)
  if (absent.length > 0) return `NOT RUN: ${absent.join(', ')} missing`
  const trial =
    'ip link add trial0 type bridge; ip tuntap add trial1 mode tap; nft add table ip trial; mount -t tmpfs none /mnt'
  const tried = spawnSync('unshare', ['--net', '--mount', 'sh', '-ec', trial], { encoding: 'utf8' })
  return tried.status === 0 ? false : `NOT RUN: no network of its own may be laid here: ${tried.stderr}`
})()

/**
 * A Debian 13 disk of 10 GiB made from Debian's packages, kept in the cache and made again when the list changes.
 * Half a minute to two minutes of work the first time.
 * @throws Error with what mmdebstrap or mke2fs said
 */
export function debian13(cache: string): Image {
  const key = createHash('sha256')
    .update(`${packages} ${JSON.stringify(added)}`)
    .digest('hex')
    .slice(0, 12)
  const folder = join(cache, 'vm', `trixie-${key}`)
  const image = {
    disk: join(folder, 'disk.img'),
    kernel: join(folder, 'vmlinuz'),
  }
  if (existsSync(folder)) return image
  mkdirSync(join(cache, 'vm'), { recursive: true })
  const work = mkdtempSync(join(cache, 'vm', 'making-'))
  try {
    const root = join(work, 'root')
    run('mmdebstrap', [
      '--variant=minbase',
      `--include=${packages.split(' ').join(',')}`,
      'trixie',
      root,
      ...mirror(),
    ])
    for (const [path, text] of Object.entries(added)) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), text, { mode: 0o755 })
    }
    run('systemctl', [`--root=${root}`, 'enable', 'witness.service'])
    const kernel = readdirSync(join(root, 'boot')).find((one) => one.startsWith('vmlinuz-'))
    run('cp', [join(root, 'boot', kernel ?? 'vmlinuz'), join(work, 'vmlinuz')])
    run('mke2fs', ['-q', '-t', 'ext4', '-L', 'root', '-d', root, join(work, 'disk.img'), '10G'])
    rmSync(root, { recursive: true })
    renameSync(work, folder)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return image
}

/** Where this machine has its own Debian packages from; nothing where it is no Debian: then mmdebstrap knows itself. */
function mirror(): string[] {
  const lists = ['/etc/apt/sources.list', ...under('/etc/apt/sources.list.d')]
  const text = lists
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n')
  const found = text.match(/(?:^deb |^URIs: )(?:\[.*\] )?(\S+\/debian)\/?(?:\s|$)/m)?.[1]
  return found ? [found] : []
}

const under = (folder: string) =>
  existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []

function run(command: string, words: string[]): void {
  const done = spawnSync(command, words, { encoding: 'utf8' })
  if (done.status !== 0) throw new Error(`${command} ended with ${done.status}: ${done.stderr.slice(-2000)}`)
}
