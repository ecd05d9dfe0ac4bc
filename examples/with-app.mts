#!/usr/bin/env -S sh -c 'd=$(dirname "$(realpath "$0")"); [ -d "$d/lib" ] || d=$d/..; exec node --max-semi-space-size=4 --import "$d/lib/commands/start.mjs" "$0" "$@"'
// A cluster with an app of your own: grows it, commits a folder of manifests, waits until the app runs.
import { basename, join, resolve } from 'node:path'
import { fs, glob } from 'zx'
import {
  askingFlags,
  clusterFlags,
  commitFiles,
  kubectl,
  openCluster,
  Problem,
  run,
  script,
  waitFor,
} from '#flow'

const withApp = {
  about: 'Grow a cluster, and deploy a folder of manifests to the namespace of its name.',
  words: 'FOLDER',
  flags: { name: clusterFlags.name, yes: askingFlags.yes },
}

await run(withApp, async ({ flags, words: [given = 'app'] }) => {
  const { name = 'main', yes } = flags
  const [folder, app] = [resolve(given), basename(resolve(given))]
  const files = await glob('**/*.yaml', { cwd: folder })
  if (files.length === 0) throw new Problem(`${folder} holds no *.yaml`, { exitCode: 2 })

  const grown = await script('bootstrap.mts', '--name', name, ...(yes ? ['--yes'] : []), '--json')
  if (grown.code !== 0) throw new Problem(`cluster ${name} could not be grown`)
  const { cluster, kube } = await openCluster({ name })
  const place = `clusters/${name}/apps/${app}` // Argo CD deploys what lies there
  const texts = files.map((file) => [`${place}/${file}`, fs.readFileSync(join(folder, file), 'utf8')])
  await commitFiles(cluster.github, cluster.place, async () => Object.fromEntries(texts), `Deploy ${app}`)

  await waitFor({ until: `${app} runs`, every: 5, within: 900 }, async () => {
    const ready = await kubectl(
      kube,
    )`get deployments -n ${app} -o "jsonpath={.items[*].status.readyReplicas}"`
    return ready.text.trim() || undefined
  })
  return { app, pods: (await kubectl(kube)`get pods -n ${app} -o name`).text.trim().split('\n') }
})
