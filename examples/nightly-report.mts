#!/usr/bin/env -S sh -c 'd=$(dirname "$(realpath "$0")"); [ -d "$d/lib" ] || d=$d/..; exec node --max-semi-space-size=4 --import "$d/lib/commands/start.mjs" "$0" "$@"'
// What runs, how old the last backup is, and what the machines cost: on the screen, or as a mail every night.
import { z } from 'zod'
import { $ } from 'zx'
import { ageOf, clusterFlags, doctl, kubectl, lastWhole, openCluster, run } from '#flow'

const nightlyReport = {
  about: 'What runs, how old the last backup is, and what the machines cost.',
  flags: { ...clusterFlags, mail: { value: 'ADDRESS', about: 'mail it there instead of printing it' } },
}
const droplets = z.array(z.object({ size: z.object({ price_monthly: z.number() }) }))

await run(nightlyReport, async ({ flags }) => {
  const { cluster, kube, buckets } = await openCluster(flags)
  const nodes = await kubectl(kube)`get nodes -o wide`
  const machines = (await doctl`compute droplet list --tag-name ${cluster.tag}`).json(droplets)
  const dollars = machines.reduce((sum, { size }) => sum + size.price_monthly, 0)
  const backup = ageOf(await lastWhole(buckets, cluster), cluster)
  const report = `${nodes.text}\nmachines     $${dollars.toFixed(2)} a month\nlast backup  ${backup}\n`
  if (!flags.mail) return report
  await $({ input: report })`mail -s ${`cluster ${cluster.name}`} ${flags.mail}`
})
