import { relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Cluster } from './cluster/cluster.ts'
import { names } from './cluster/names.ts'
import { shellQuote } from './shell-quote.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * A command of this project as the person can type it from where they are, for this cluster: with `--repo` where the
 * repository has another name than the usual, and with `--sandbox` where this run had it.
 * @param script such as `scripts/kubeconfig.mts`
 */
export function hint(script: string, { name, place, login }: Cluster, ...more: string[]): string {
  const path = relative(process.cwd(), resolve(root, script))
  const usual = place.owner === login && place.name === names.repository(name)
  return [
    path.startsWith('.') || path.startsWith('/') ? path : `./${path}`,
    `--name ${name}`,
    ...(usual ? [] : [`--repo ${place.owner}/${place.name}`]),
    ...more,
    ...(process.argv.includes('--sandbox') ? ['--sandbox'] : []),
  ].join(' ')
}

/** The line that leads a person's kubectl to a cluster, quoted for a shell. @param file of the kubeconfig */
export const exportKubeconfig = (file: string): string => `export KUBECONFIG=${shellQuote(file)}`
