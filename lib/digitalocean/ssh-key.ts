import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Cluster } from '../cluster/cluster.ts'
import { names } from '../cluster/names.ts'
import { isOurs } from '../cluster/ours.ts'
import { ensure } from '../ensure.ts'
import type { Kit } from '../store/kit.ts'
import { doctl, workFolder } from '../tools.ts'
import type { SshKey } from './types.ts'

/** The SSH key of the kit at DigitalOcean: port 22 stays closed, it is there for the day somebody must open it. */
export async function ensureSshKey(cluster: Cluster, kit: Kit): Promise<SshKey> {
  const { publicKey } = kit.ssh
  const name = names.sshKey(cluster.name)
  const file = join(workFolder(), 'ssh-key.pub')
  await writeFile(file, publicKey)
  const body = (text: string) => text.split(' ').slice(0, 2).join(' ')
  return ensure({
    what: `SSH key ${name}`,
    look: async () =>
      (await cluster.cloud.sshKeys()).filter(
        (one) => isOurs('sshKey', one, cluster.name) && body(one.public_key) === body(publicKey),
      ),
    act: () => doctl`compute ssh-key import ${name} --public-key-file ${file}`,
    imagined: { id: '<new SSH key>', name, fingerprint: '<new SSH key>', public_key: publicKey },
  })
}
