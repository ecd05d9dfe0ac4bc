import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { again, doctlHint } from '../../base/hint.ts'
import { names } from '../../base/names.ts'
import { Problem } from '../../base/problem.ts'
import { workFolder } from '../../base/work-folder.ts'
import type { SshKey } from '../../clients/digitalocean-types.ts'
import { ensure } from '../../clients/ensure.ts'
import { asOf } from '../../clients/lately.ts'
import { doctl } from '../../clients/tools.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { Kit } from '../../store/kit.ts'

/**
 * The SSH key of the kit at DigitalOcean: port 22 stays closed, it is there for the day somebody must open it
 * (`kubeconfig.mts --ssh-key`).
 */
export async function ensureSshKey(cluster: Cluster, kit: Kit): Promise<SshKey> {
  const { publicKey } = kit.ssh
  const name = names.sshKey(cluster.name)
  const file = join(workFolder(), 'ssh-key.pub')
  await writeFile(file, publicKey)
  const body = (text: string) => text.split(' ').slice(0, 2).join(' ')
  const same = async (since: number) =>
    (await asOf(cluster.cloud, since).sshKeys()).filter((one) => body(one.public_key) === body(publicKey))
  return ensure({
    what: `SSH key ${name}`,
    look: async (since) => (await same(since)).filter((one) => one.name === name), // the kit has its other half
    act: () => doctl`compute ssh-key import ${name} --public-key-file ${file}`,
    // DigitalOcean takes each public key once, under whatever name.
    hopeless: async () => {
      const [other] = await same(performance.now())
      if (!other || other.name === name) return undefined
      return new Problem(`the cluster’s SSH key is at DigitalOcean under another name, “${other.name}”`, {
        cure: `Give it the name that regrow looks for: ${doctlHint`compute ssh-key update ${other.id} --ssh-key-name ${name}`}. Then run ${again()}.`,
      })
    },
    imagined: { id: '<new SSH key>', name, fingerprint: '<new SSH key>', public_key: publicKey },
  })
}
