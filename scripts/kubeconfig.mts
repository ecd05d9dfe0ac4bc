#!/usr/bin/env -S sh -c 'exec node --max-semi-space-size=4 --import "$(dirname "$(realpath "$0")")/../lib/commands/start.mjs" "$0" "$@"'
import { resolve } from 'node:path'
import { lastBackupField, lastWhole } from '../lib/backup/index.ts'
import { doctlHint, Field, printable, useKubeconfig } from '../lib/base/index.ts'
import { describe, inventory } from '../lib/cluster/index.ts'
import { askingFlags, clusterFlags, run } from '../lib/commands/index.ts'
import { bindOperators, revokeKubeconfigs, writeKubeconfig } from '../lib/kubernetes/index.ts'
import { addressOf } from '../lib/machines/index.ts'
import { needBuckets, needKit, operatorGroup } from '../lib/store/index.ts'

// The kubeconfig of a cluster, from its kit: from any machine with the two tokens.

const kubeconfig = {
  about: 'Write the kubeconfig (mode 0600) of a cluster: good for a week.',
  flags: {
    ...clusterFlags,
    output: { value: 'FILE', about: 'where to (./kubeconfig-<cluster>.yaml)' },
    revoke: { about: 'end every kubeconfig that was written before' },
    'argocd-password': { about: 'print Argo CD’s admin password instead' },
    'ssh-key': { about: 'print the machines’ private SSH key instead' },
    'steal-lock': askingFlags['steal-lock'],
  },
}

await run(kubeconfig, async ({ flags }) => {
  const cluster = await describe(flags)
  const address = await addressOf(cluster)
  const buckets = await needBuckets(cluster)
  const kit = await needKit(buckets, cluster.name)
  const user = flags['ssh-key'] ? 'root' : 'admin'
  // Written here and not handed back: what a run hands back has its secrets taken out.
  const disclose = (secret: string, told: object, advice: string) => {
    if (!flags.json) process.stderr.write(`${printable(advice)}\n`)
    process.stdout.write(flags.json ? `${JSON.stringify({ user, ...told }, null, 2)}\n` : secret)
  }
  if (flags['argocd-password']) {
    const { password } = kit.argocd
    return disclose(
      `${password}\n`,
      { password },
      `user ${user}, password, unless you changed it in Argo CD:`,
    )
  }
  if (flags['ssh-key']) {
    const { privateKey } = kit.ssh
    const firewall = (await inventory(cluster.cloud, cluster.name)).firewalls[0]?.id
    const rule = 'protocol:tcp,ports:22,address:YOUR-ADDRESS/32'
    return disclose(
      privateKey,
      { address: address.ip, firewall, privateKey },
      `port 22 is closed; this opens it to you, until the next bootstrap closes it again:
  ${doctlHint`compute firewall add-rules ${firewall ?? 'FIREWALL'} --inbound-rules ${rule}`}
then: ssh -i FILE ${user}@${address.ip} (FILE holds this key, mode 0600)`,
    )
  }
  const now = await operatorGroup(buckets.kit)
  const ground = { kit, address: address.ip, group: now }
  const group = flags.revoke ? await revokeKubeconfigs(cluster, ground, flags) : now // those of before end
  const file = flags.output && resolve(flags.output)
  const kube = await writeKubeconfig(cluster, kit, address.ip, { group, file })
  await bindOperators(kube, group)
  return {
    address: address.ip,
    kubeconfig: new Field(kube.file, useKubeconfig(kube.file)),
    lastBackup: lastBackupField(await lastWhole(buckets, cluster), cluster),
  }
})
