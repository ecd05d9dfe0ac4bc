#!/usr/bin/env -S sh -c 'exec node --max-semi-space-size=4 --import "$(dirname "$(realpath "$0")")/../lib/start.mjs" "$0" "$@"'
// The kubeconfig of a cluster, from its kit: from any machine with the two tokens.
import { resolve } from 'node:path'
import { ageOf, lastWhole } from '../lib/backup/backups.ts'
import { describe } from '../lib/cluster/cluster.ts'
import { inventory } from '../lib/cluster/ours.ts'
import { addressOf } from '../lib/digitalocean/address.ts'
import { exportKubeconfig } from '../lib/hint.ts'
import { writeKubeconfig } from '../lib/kubernetes/kubeconfig.ts'
import { run } from '../lib/run.ts'
import { openBuckets } from '../lib/store/buckets.ts'
import { needKit } from '../lib/store/kit.ts'

await run('kubeconfig', async ({ flags }) => {
  const cluster = await describe(flags)
  const address = await addressOf(cluster)
  const buckets = await openBuckets(cluster, 'read')
  const kit = await needKit(buckets, cluster.name)
  if (flags['argocd-password']) {
    process.stderr.write('user admin, password:\n')
    process.stdout.write(`${kit.argocd.password}\n`)
    return undefined
  }
  if (flags['ssh-key']) {
    const { id } = (await inventory(cluster.cloud, cluster.name)).firewalls[0] ?? { id: '<firewall>' }
    process.stderr.write(
      `port 22 is closed; this opens it to you, until the next bootstrap closes it again:\n  doctl compute firewall add-rules ${id} --inbound-rules protocol:tcp,ports:22,address:<your address>/32\nthen: ssh -i <this key, mode 0600> root@${address.ip}\n`,
    )
    process.stdout.write(kit.ssh.privateKey)
    return undefined
  }
  const kube = await writeKubeconfig(cluster, kit, address.ip, flags.output && resolve(flags.output))
  return {
    address: address.ip,
    kubeconfig: exportKubeconfig(kube.file),
    lastBackup: ageOf(buckets && (await lastWhole(buckets.velero)), cluster),
  }
})
