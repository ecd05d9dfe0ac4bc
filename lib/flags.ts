import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { Problem } from './problem.ts'
import { suggest } from './suggest.ts'

interface Flag {
  /** Placeholder of the value in the help text; a flag without one is a switch. */
  value?: string
  about: string
}

interface Command {
  about: string
  /** The one word that is not a flag, as the help text names it. */
  words?: string
  flags: Record<string, Flag>
}

const cluster = {
  name: { value: 'NAME', about: 'cluster (main)' },
  repo: { value: 'OWNER/NAME', about: 'GitOps repository (<your login>/regrow-<cluster>)' },
} as const
const adopting = {
  'adopt-buckets': { value: 'NAME,…', about: 'buckets of yours that regrow did not make: use them' },
} as const
const common = {
  sandbox: { about: 'rehearse in the sandbox: no tokens, no money' },
  json: { about: 'print the result as JSON on stdout' },
  verbose: { about: 'show every command as it runs' },
  version: { about: 'print the version of regrow' },
  help: { about: 'show this text (-h)' },
} as const
const asking = {
  yes: { about: 'answer the question with yes' },
  'dry-run': { about: 'show the plan and the commands, change nothing' },
  'steal-lock': { about: 'take over the lock of a run that is dead' },
} as const

/** Every command with its flags: what `--help` prints and what is accepted, nothing else. */
export const commands = {
  bootstrap: {
    about: 'Two tokens in, a running cluster out. Run it again and nothing changes.',
    flags: {
      ...cluster,
      region: { value: 'REGION', about: 'DigitalOcean region (fra1)' },
      size: { value: 'SIZE', about: 'droplet size, at least 2 GB (s-1vcpu-2gb)' },
      domain: { value: 'DOMAIN', about: 'domain of your apps, with certificates' },
      'admin-cidr': { value: 'CIDR,…', about: 'who may reach the Kubernetes API (0.0.0.0/0,::/0)' },
      config: { value: 'FILE', about: 'a cluster.yaml to start from (docs/cluster-yaml.md)' },
      ...adopting,
      ...asking,
      ...common,
    },
  },
  restore: {
    about: 'Everything was lost but buckets and Git: bring it back, and prove it.',
    flags: {
      ...cluster,
      backup: { value: 'NAME', about: 'name, prefix, date or “latest”' },
      as: { value: 'NAME', about: 'beside the original: own keys, buckets, repository' },
      'as-repo': { value: 'OWNER/NAME', about: 'with --as: its repository, if you made one' },
      'with-apps': { about: 'with --as: wake the apps too' },
      region: { value: 'REGION', about: 'with --as: another region (not for snapshots)' },
      replace: { about: 'stop the live cluster; delete it once all is proven' },
      partial: { about: 'with --backup NAME: even one that is not whole' },
      undelete: { about: 'with --backup NAME: one that was deleted, too' },
      'not-vouched': { about: 'with --replace: even a backup that nobody vouches for' },
      'git-removed': { value: 'HOW', about: 'what Git deleted since: revert, keep or drop' },
      unfinished: { about: 'give up a restore that is unfinished or not proven' },
      ...adopting,
      ...asking,
      ...common,
    },
  },
  scale: {
    about: 'Change the size and shape of a living cluster, or finish what was begun.',
    flags: {
      ...cluster,
      add: { value: 'N', about: 'let N machines join' },
      role: { value: 'agent|server', about: 'what --add adds (agent)' },
      remove: { value: 'NAME,…', about: 'move everything away, remove the machines' },
      replace: { value: 'NAME', about: 'a fresh machine of the same role instead' },
      size: { value: 'SIZE', about: 'size of all machines, or with --add of the new ones' },
      node: { value: 'NAME', about: '--size for this machine only' },
      ha: { about: 'SQLite becomes etcd on three servers' },
      force: { about: 'even if something is lost; the plan names it' },
      'drain-timeout': { value: 'TIME', about: 'for pods to move away (10m)' },
      ...asking,
      ...common,
    },
  },
  backup: {
    about: 'Take a backup now; it counts once it is verified in the bucket.',
    flags: {
      ...cluster,
      backup: { value: 'NAME', about: 'its name (the cluster’s and the time)' },
      volumes: { value: 's3|snapshot', about: 'bytes into the bucket, or kept at DigitalOcean' },
      ttl: { value: 'TIME', about: 'how long it is kept, such as 30d' },
      yes: asking.yes,
      ...common,
    },
  },
  backups: {
    about: 'Which backups there are, from the bucket: no cluster is needed.',
    flags: {
      ...cluster,
      deleted: { about: 'those deleted or overwritten that can be brought back' },
      ...common,
    },
  },
  rehearse: {
    about: 'The drill: a backup onto a throw-away droplet, proven, destroyed.',
    flags: {
      ...cluster,
      backup: { value: 'NAME', about: 'name, prefix, date or “latest” (default)' },
      'as-repo': { value: 'OWNER/NAME', about: 'the drill’s repository, if you made one' },
      'not-vouched': { about: 'even a backup that nobody vouches for' },
      yes: asking.yes,
      'dry-run': asking['dry-run'],
      ...common,
    },
  },
  status: {
    about:
      'What exists, how it is, what it costs, how old the last whole backup is.\nExit code 3: something wants attention. 4: no whole backup is young enough.',
    flags: { ...cluster, ...common },
  },
  kubeconfig: {
    about: 'Write the kubeconfig (mode 0600) of a cluster: good for a week.',
    flags: {
      ...cluster,
      output: { value: 'FILE', about: 'where to (./kubeconfig-<cluster>.yaml)' },
      revoke: { about: 'end every kubeconfig that was written before' },
      'argocd-password': { about: 'print Argo CD’s admin password instead' },
      'ssh-key': { about: 'print the machines’ private SSH key instead' },
      'steal-lock': asking['steal-lock'],
      ...common,
    },
  },
  seal: {
    about: 'Turn a Secret (file or stdin) into a SealedSecret for this cluster only.',
    words: '[FILE]',
    flags: {
      ...cluster,
      certificate: {
        value: 'FILE',
        about: 'seal offline with this public certificate',
      },
      'save-certificate': {
        value: 'FILE',
        about: 'write the public certificate, to seal offline',
      },
      ...common,
    },
  },
  destroy: {
    about: 'Remove a cluster; its backups and repository are kept unless you say otherwise.',
    flags: {
      ...cluster,
      'with-backups': { about: 'remove the buckets as well: kit and every backup' },
      'with-repository': { about: 'delete the GitOps repository as well' },
      unfinished: { about: 'also the machines of an unfinished restore' },
      confirm: { value: 'NAME', about: 'the cluster’s name, instead of typing it' },
      'confirm-backups': { value: 'BUCKET', about: 'likewise the name of the backups’ bucket' },
      'confirm-kit': { value: 'BUCKET', about: 'likewise the name of the kit’s bucket' },
      ...asking,
      ...common,
    },
  },
  tools: {
    about: 'Fetch official doctl, kubectl, helm and velero into .tools/, checked.',
    flags: {
      only: { value: 'NAME', about: 'one tool only' },
      json: common.json,
      verbose: common.verbose,
      version: common.version,
      help: common.help,
    },
  },
} as const satisfies Record<string, Command>

export type CommandName = keyof typeof commands

/** The flags of a command: a text or undefined for those with a value, a boolean for switches, and the bare words. */
export type Flags<C extends CommandName = CommandName> = {
  [F in keyof (typeof commands)[C]['flags']]: (typeof commands)[C]['flags'][F] extends { value: string }
    ? string | undefined
    : boolean
} & { words: string[] }

/** Reads a command line. @throws Problem (exit code 2) for an unknown flag, with a suggestion, or a missing value. */
export function readFlags<C extends CommandName>(command: C, argv: readonly string[]): Flags<C> {
  const spec: Command = commands[command]
  const { tokens, positionals } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(
      Object.entries(spec.flags).map(([name, flag]) => [
        name,
        { type: flag.value ? 'string' : 'boolean', ...(name === 'help' ? { short: 'h' } : {}) } as const,
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const read: Record<string, string | boolean | undefined | string[]> = { words: positionals }
  for (const [name, flag] of Object.entries(spec.flags)) read[name] = flag.value ? undefined : false
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const flag = spec.flags[token.name]
    if (!flag) throw unknown(token.rawName, Object.keys(spec.flags), command)
    if (flag.value && (token.value === undefined || token.value === ''))
      throw wrong(`--${token.name} needs a value: --${token.name} ${flag.value}`, command)
    if (!flag.value && token.value !== undefined) throw wrong(`--${token.name} takes no value`, command)
    read[token.name] = flag.value ? token.value : true
  }
  if (positionals.length > 0 && !spec.words)
    throw wrong(`${command} does not know what to do with “${positionals.join(' ')}”`, command)
  if (positionals.length > 1)
    throw wrong(
      `${command} takes one ${spec.words?.replace(/[[\]]/g, '')}, not “${positionals.join(' ')}”`,
      command,
    )
  return read as Flags<C>
}

/** The version of this project. */
export function ownVersion(): string {
  const file = new URL('../package.json', import.meta.url)
  return z.object({ version: z.string() }).parse(JSON.parse(readFileSync(file, 'utf8'))).version
}

/** The text that `--help` prints. */
export function helpText(command: CommandName, file: string): string {
  const spec: Command = commands[command]
  const rows = Object.entries(spec.flags).map(([name, flag]) => [
    `--${name}${flag.value ? ` ${flag.value}` : ''}`,
    flag.about,
  ])
  const width = Math.max(...rows.map(([left]) => left?.length ?? 0))
  return [
    spec.about,
    '',
    `  ${file}${spec.words ? ` ${spec.words}` : ''} [flags]`,
    '',
    ...rows.map(([left, right]) => `  ${left?.padEnd(width)}  ${right}`),
    '',
  ].join('\n')
}

/** A flag that there is not, with the one that was probably meant. */
export function unknown(name: string, flags: string[], command: string): Problem {
  const near = suggest(name.replace(/^-+/, ''), flags)
  return wrong(`${name} is not a flag of ${command}.${near ? ` Did you mean --${near}?` : ''}`, command)
}

function wrong(message: string, command: string): Problem {
  return new Problem(message, { cure: `--help lists what ${command} takes.`, exitCode: 2 })
}
