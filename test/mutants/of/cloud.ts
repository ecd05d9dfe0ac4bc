// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the code that is broken has them
import { type Mutant, mutant } from '../mutant.ts'

/** What is ordered at DigitalOcean, and what it costs. */
export const cloud: readonly Mutant[] = [
  mutant(
    'a firewall lets no UDP out, so nothing resolves a name',
    'lib/machines/foundation/network.ts',
    '`protocol:udp,ports:all,${everyone}`,',
    '',
    'digitalocean/network',
  ),
  mutant(
    'the plan leaves a price out',
    'lib/machines/preflight/plan.ts',
    'perMonth: places.spaces && index === 0 && !payer ? prices.spaces : 0,',
    'perMonth: 0,',
    'flows/life',
  ),
  mutant(
    'a firewall that was changed is left as it is',
    'lib/machines/foundation/network.ts',
    "if (found.id.startsWith('<') || sameRules(found, cluster)) return found",
    'return found',
    'flows/life',
  ),
  mutant(
    'the price of volumes is wrong',
    'lib/cluster/prices.ts',
    'volumeGib: 0.1,',
    'volumeGib: 0.15,',
    'flows/life',
  ),
  mutant(
    'a firewall without outbound rules',
    'lib/machines/foundation/network.ts',
    '      `protocol:tcp,ports:all,${everyone}`,\n      `protocol:udp,ports:all,${everyone}`,\n      `protocol:icmp,${everyone}`,\n',
    '',
    'digitalocean/network',
  ),
  mutant(
    'SSH is open to everyone',
    'lib/machines/foundation/network.ts',
    '      `protocol:tcp,ports:80,${everyone}`,\n',
    '      `protocol:tcp,ports:80,${everyone}`,\n      `protocol:tcp,ports:22,${everyone}`,\n',
    'digitalocean/network',
  ),
  mutant(
    'outbound rules are not compared',
    'lib/machines/foundation/network.ts',
    'canonical(outbound) === canonical(wanted.outbound',
    "'' !== canonical(wanted.outbound",
    'digitalocean/network',
  ),
  mutant(
    'the reserved IP is made outside the project',
    'lib/machines/foundation/address.ts',
    ' --project-id ${project.id}',
    '',
    'digitalocean/orders',
  ),
  mutant(
    'the droplet is made without the tag that the firewall goes by',
    'lib/machines/foundation/droplet.ts',
    ' --tag-names ${cluster.tag} --project-id',
    ' --project-id',
    'digitalocean/orders',
  ),
]
