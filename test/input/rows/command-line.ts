import { second } from './boxes.ts'
import { help, keys, type Row } from './row.ts'

/** Words that a command does not take. */
export const commandLine: Row[] = [
  {
    run: 'bootstrap.mts --nmae x',
    code: 2,
    says: ['--nmae is not a flag of bootstrap. Did you mean --name?', help('bootstrap')],
  },
  {
    run: 'bootstrap.mts --colour',
    code: 2,
    says: ['--colour is not a flag of bootstrap.', help('bootstrap')],
  },
  { run: 'bootstrap.mts --name', code: 2, says: ['--name needs a value: --name NAME', help('bootstrap')] },
  { run: 'bootstrap.mts --name=', code: 2, says: ['--name needs a value: --name NAME', help('bootstrap')] },
  { run: 'bootstrap.mts --yes=no', code: 2, says: ['--yes takes no value', help('bootstrap')] },
  {
    run: 'bootstrap.mts main',
    code: 2,
    says: ['bootstrap does not know what to do with “main”', help('bootstrap')],
  },
  {
    run: 'bootstrap.mts --name Main',
    code: 2,
    says: ['“Main” is not a name for a cluster', 'Take a letter first, then at most 19 of a-z, 0-9 and -.'],
  },
  {
    run: 'bootstrap.mts --name main-',
    code: 2,
    says: ['“main-” is not a name for a cluster', 'Take a letter first, then at most 19 of a-z, 0-9 and -.'],
  },
  {
    run: 'bootstrap.mts --region Frankfurt',
    code: 2,
    says: ['the command line cannot be used: region “Frankfurt” is not a region such as fra1', keys],
  },
  {
    run: 'bootstrap.mts --size small_one',
    code: 2,
    says: ['the command line cannot be used: size “small_one” is not a size such as s-1vcpu-2gb', keys],
  },
  {
    run: 'bootstrap.mts --domain localhost',
    code: 2,
    says: ['the command line cannot be used: domain “localhost” is not a domain such as example.org', keys],
  },
  {
    run: 'bootstrap.mts --admin-cidr 203.0.113.7/32,everyone',
    code: 2,
    says: [
      'the command line cannot be used: network.adminCidrs.1 “everyone” is not an address range such as 203.0.113.7/32',
      keys,
    ],
  },
  {
    run: 'bootstrap.mts --repo a/b/c',
    code: 2,
    says: ['“a/b/c” is not a repository', 'Write --repo OWNER/NAME.'],
  },
  {
    run: 'bootstrap.mts --config missing.yaml',
    code: 2,
    says: ['missing.yaml cannot be read', 'Name a cluster.yaml with --config.'],
  },
  { run: 'status.mts --yes', code: 2, says: ['--yes is not a flag of status.', help('status')] },
  {
    run: 'destroy.mts --with-backup',
    code: 2,
    says: ['--with-backup is not a flag of destroy. Did you mean --with-backups?', help('destroy')],
  },
  {
    run: 'kubeconfig.mts --ouput x',
    code: 2,
    says: ['--ouput is not a flag of kubeconfig. Did you mean --output?', help('kubeconfig')],
  },
  {
    run: 'tools.mts --only kubctl',
    code: 2,
    says: [
      'kubctl is not one of the tools. Did you mean kubectl?',
      'The tools are doctl, kubectl, helm, velero.',
    ],
  },
  { run: 'seal.mts one two', code: 2, says: ['seal takes one FILE, not “one two”', help('seal')] },
  {
    run: 'sandbox.mts --rest',
    apart: true,
    code: 2,
    says: ['--rest is not a flag of sandbox. Did you mean --reset?', help('sandbox')],
  },
  {
    run: 'sandbox.mts --latency 2 true',
    apart: true,
    code: 2,
    says: ['--latency takes a number from 0 to 1', help('sandbox')],
  },
  {
    run: 'sandbox.mts --faults odd.json true',
    apart: true,
    given: () => second.file('odd.json', '[{"kind": "rain"}]'),
    env: { REGROW_SANDBOXED: undefined },
    code: 2,
    says: [
      'odd.json cannot be used: 0.kind “rain” must be one of 429, 500, 503, cut-before, cut-after, timeout, slow',
      'docs/sandbox.md shows what it may hold.',
    ],
  },
]
