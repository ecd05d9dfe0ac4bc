#!/usr/bin/env -S sh -c 'd=$(dirname "$(realpath "$0")"); [ -d "$d/lib" ] || d=$d/..; exec node --max-semi-space-size=4 --import "$d/lib/commands/start.mjs" "$0" "$@"'
// A second environment, such as staging: everything that runs in the first one, from a backup, on machines of its own.
import { askingFlags, clusterFlags, kubectl, openCluster, Problem, run, script } from '#flow'

const secondEnvironment = {
  about: 'Back up a cluster now, and make a second one from the backup.',
  flags: {
    name: clusterFlags.name,
    as: { value: 'NAME', about: 'the second environment (staging)' },
    yes: askingFlags.yes,
  },
}

await run(secondEnvironment, async ({ flags, confirm }) => {
  const { name = 'main', as = 'staging' } = flags
  await confirm(`${as} becomes a copy of ${name}; its machines cost as much again`)

  const backup = await script('scripts/backup.mts', '--name', name, '--yes', '--json')
  if (backup.code !== 0) throw new Problem(`${name} has no new backup, so there is no ${as}`)
  const words = ['--backup', 'latest', '--as', as, '--with-apps']
  const restore = await script('restore.mts', '--name', name, ...words, '--yes', '--json')
  if (restore.code !== 0) throw new Problem(`${as} is not whole`)

  const { kube } = await openCluster({ name: as })
  await kubectl(kube)`label namespace default environment=${as} --overwrite` // how your apps tell where they are
  return { environment: as, nodes: (await kubectl(kube)`get nodes -o name`).text.trim().split('\n') }
})
