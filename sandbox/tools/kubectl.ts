import { type Call, parse, Unknown } from './call.ts'
import { openKube } from './kube.ts'
import { apply, cordon, drain, mark, patch, remove, replace, taint } from './kubectl-change.ts'
import { get } from './kubectl-get.ts'
import type { Use } from './kubectl-use.ts'
import { rollout, wait } from './kubectl-wait.ts'

const switches =
  'all-namespaces ignore-not-found server-side force-conflicts overwrite ignore-daemonsets delete-emptydir-data no-headers force client disable-eviction'
const short = { n: 'namespace', o: 'output', l: 'selector', f: 'filename', p: 'patch', A: 'all-namespaces' }

/** The commands that are known, with their flags. */
const commands: Record<string, [flags: string, run: (use: Use) => Promise<number>]> = {
  get: ['output selector field-selector all-namespaces ignore-not-found no-headers raw', get],
  apply: ['server-side force-conflicts field-manager filename', apply],
  patch: ['type patch', patch],
  replace: ['filename', replace],
  annotate: ['overwrite', (use) => mark(use, 'annotations')],
  label: ['overwrite', (use) => mark(use, 'labels')],
  delete: ['ignore-not-found wait selector', remove],
  cordon: ['', (use) => cordon(use, true)],
  uncordon: ['', (use) => cordon(use, false)],
  drain: ['ignore-daemonsets delete-emptydir-data timeout force disable-eviction', drain],
  taint: ['overwrite', taint],
  wait: ['for timeout selector', wait],
  rollout: ['timeout', rollout],
  version: ['output client', version],
  'api-resources': ['output verbs', apiResources],
}

/** kubectl, as far as regrow and a person looking around use it. */
export async function kubectl(call: Call): Promise<number> {
  const line = parse(call.argv, switches.split(' '), short)
  const [verb = '', ...words] = line.words
  const command = Object.hasOwn(commands, verb) ? commands[verb] : undefined
  if (!command) throw new Unknown(verb)
  line.only(['kubeconfig', 'namespace', 'request-timeout', ...command[0].split(' ')])
  const kube = openKube(call, line.text('kubeconfig'))
  return command[1]({ call, kube, line, words, namespace: line.text('namespace') ?? kube.namespace })
}

/** The names of all kinds, as `-o name` prints them. */
async function apiResources({ kube, line, call }: Use): Promise<number> {
  if (line.text('output') !== 'name' || line.text('verbs') !== 'list') throw new Unknown('api-resources')
  for (const { name, group } of await kube.everyResource())
    call.out(`${[name, group].filter(Boolean).join('.')}\n`)
  return 0
}

async function version({ kube, line, call }: Use): Promise<number> {
  const unsaid = { gitCommit: '', gitTreeState: '', buildDate: '', goVersion: '', compiler: '', platform: '' }
  const clientVersion = { major: '1', minor: '36', gitVersion: 'v1.36.3-stand-in', ...unsaid }
  const read = async () => ({ ...unsaid, ...(await kube.call<{ gitVersion: string }>('GET', '/version')) })
  const server = line.has('client') ? undefined : await read()
  const said = { clientVersion, kustomizeVersion: 'none', ...(server ? { serverVersion: server } : {}) }
  const lines = [
    `Client Version: ${clientVersion.gitVersion}`,
    server && `Server Version: ${server.gitVersion}`,
  ]
  const text =
    line.text('output') === 'json' ? JSON.stringify(said, null, 2) : lines.filter(Boolean).join('\n')
  call.out(`${text}\n`)
  return 0
}
