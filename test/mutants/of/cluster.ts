// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the code that is broken has them
import { type Mutant, mutant } from '../mutant.ts'

/** Whose the cluster is: its lock, and what in the account is its own. */
export const cluster: readonly Mutant[] = [
  mutant(
    'somebody else’s lock is ignored',
    'lib/cluster/lock.ts',
    'if (!dead && !steal)',
    'if (!dead && !steal && performance.now() < 0)',
    'cluster/lock',
  ),
  mutant(
    'a lock that was stolen is not noticed',
    'lib/cluster/lock.ts',
    'if (now === tip) return',
    'if (now) return',
    'cluster/lock',
  ),
  mutant(
    'a container’s process is taken for one of this host',
    'lib/cluster/lock.ts',
    '&& one.processes === processes()',
    '',
    'cluster/lock',
  ),
  mutant(
    'an interrupted run goes on changing things',
    'lib/cluster/lock.ts',
    'endChanges()\n',
    '\n',
    'cluster/lock',
  ),
  mutant(
    'a droplet is ours by its name',
    'lib/cluster/ours.ts',
    'droplet: (one) => tagged(one.tags) ||',
    'droplet: (one) => one.name.startsWith(`${cluster}-`) || tagged(one.tags) ||',
    'cluster/ours',
  ),
  mutant(
    'the account’s default project is taken for ours',
    'lib/cluster/ours.ts',
    ' && !one.is_default',
    '',
    'cluster/ours',
  ),
  mutant(
    'another cluster’s key counts as ours',
    'lib/cluster/ours.ts',
    'new RegExp(`^regrow-${cluster}-',
    'new RegExp(`regrow-${cluster}',
    'cluster/ours',
  ),
  mutant(
    'any address of the account is ours',
    'lib/cluster/ours.ts',
    'own !== undefined && one.project_id === own.id',
    'one.project_id !== "p2"',
    'cluster/ours',
  ),
  mutant(
    'a firewall is ours by its name alone',
    'lib/cluster/ours.ts',
    'one.name === names.firewall(cluster) && tagged(one.tags)',
    'one.name === names.firewall(cluster)',
    'cluster/ours',
  ),
  mutant(
    'the lock is ignored',
    'lib/cluster/lock.ts',
    "  if (other?.state === 'held') explainTakeover(other, place, steal)\n",
    '',
    'cluster/lock',
  ),
  mutant(
    'ours: Spaces keys by the start of their name',
    'lib/cluster/ours.ts',
    '(${maker})?)$`',
    '(${maker})?)`',
    'cluster/ours',
  ),
  mutant(
    'a load balancer with a foreign droplet is ours',
    'lib/cluster/ours.ts',
    'behind.every((id) =>',
    'behind.some((id) =>',
    'cluster/ours',
  ),
  mutant(
    'who may go on without the lock goes on beside its holder',
    'lib/cluster/lock.ts',
    '    await stillOurs(github, place, before)\n    without(error)',
    '    without(error)',
    'cluster/lock',
  ),
]
