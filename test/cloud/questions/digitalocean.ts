import { z } from 'zod'
import { names } from '../../../lib/base/names.ts'
import { ownMachines } from '../../../lib/cluster/ours.ts'
import { type Asked, NotMet, type Unasked } from '../question.ts'
import { askCloud, type Said, type Sight } from '../sight.ts'

const answered = ({ status, message }: Said) => ({
  said: String(status),
  ...(message ? { seen: message } : {}),
})

const made = z.object({ id: z.union([z.string(), z.number()]).transform(String), size_gigabytes: z.number() })
const volumeMade = z.object({ volume: made })
const snapshotMade = z.object({ snapshot: made })

/** Makes a volume of 1 GiB and a snapshot of it, works with them, and removes both: no other question meets its pause. */
async function withSnapshot<T>(
  { cluster }: Sight,
  work: (snapshot: z.infer<typeof made>, volume: string) => Promise<T>,
): Promise<T> {
  const { tag, wanted } = cluster
  const name = `${cluster.name}-question`
  const said = await askCloud('POST', '/v2/volumes', {
    ...{ name, size_gigabytes: 1, region: wanted.region, tags: [tag] },
  })
  const { volume } = volumeMade.parse(said.body)
  try {
    const path = `/v2/volumes/${volume.id}/snapshots`
    const { snapshot } = snapshotMade.parse((await askCloud('POST', path, { name, tags: [tag] })).body)
    try {
      return await work(snapshot, volume.id)
    } finally {
      await askCloud('DELETE', `/v2/snapshots/${snapshot.id}`)
    }
  } finally {
    await askCloud('DELETE', `/v2/volumes/${volume.id}`)
  }
}

/** What DigitalOcean does; each thing that is made for an answer bears the cluster's tag and goes at once. */
export const digitalOceanQuestions: (Asked | Unasked)[] = [
  {
    id: 'network-with-members',
    question: 'Which status does DigitalOcean give when a network that still has a droplet is deleted?',
    doubt: 'the description says 403, reports say 409',
    when: 'last',
    ask: async ({ cluster }) => {
      const own = (await cluster.cloud.vpcs()).find(({ name }) => name === names.network(cluster.name))
      if (!own) throw new Error('the cluster has no network')
      if (own.default) return new NotMet('the network is its region’s default, which nobody can delete')
      return answered(await askCloud('DELETE', `/v2/vpcs/${own.id}`))
    },
    supposed: '403',
    wrong: '409',
    place: 'sandbox/digitalocean/vpcs.ts',
  },
  {
    id: 'same-assignment',
    question: 'Is an address taken once more for the droplet that it leads to?',
    doubt: 'an accepted one would queue events',
    when: 'last',
    ask: async ({ cluster }) => {
      const { reservedIps } = await ownMachines(cluster.cloud, cluster.name)
      const [address] = reservedIps
      if (!address?.droplet) throw new Error('the cluster has no address that leads to a droplet')
      const said = await askCloud('POST', `/v2/reserved_ips/${address.ip}/actions`, {
        type: 'assign',
        droplet_id: Number(address.droplet.id),
      })
      return answered(said)
    },
    supposed: '201',
    wrong: '422',
    place: 'sandbox/digitalocean/reserved-ips.ts',
  },
  {
    id: 'project-purpose',
    question: 'How is a project’s own purpose returned?',
    doubt: 'the description says “Other: …”, the box returned it as sent',
    when: 'grown',
    ask: async ({ cluster }) => {
      const shape = z.object({ projects: z.array(z.object({ name: z.string(), purpose: z.string() })) })
      const { projects } = shape.parse((await askCloud('GET', '/v2/projects?per_page=200')).body)
      const own = projects.find(({ name }) => name === names.project(cluster.name))
      return { said: own?.purpose ?? 'no such project' }
    },
    supposed: 'Kubernetes cluster',
    wrong: 'Other: Kubernetes cluster',
    place: 'sandbox/digitalocean/projects.ts',
  },
  {
    id: 'snapshot-size',
    question: 'What size has the snapshot of an empty volume of 1 GiB?',
    doubt: 'the description says billable size; the provider’s tests expect 0',
    when: 'last',
    ask: (sight) =>
      withSnapshot(sight, async ({ size_gigabytes }) => ({
        said: size_gigabytes === 1 ? 'of the volume' : 'of what is in it',
        seen: `${size_gigabytes} GiB`,
      })),
    supposed: 'of the volume',
    wrong: 'of what is in it',
    place: 'sandbox/digitalocean/snapshots.ts',
  },
  {
    id: 'snapshot-pause',
    question: 'Is a second snapshot of a volume taken within ten minutes?',
    doubt: 'docs/digitalocean-differences.md: 429 was seen by others',
    when: 'last',
    ask: (sight) =>
      withSnapshot(sight, async (_, volume) => {
        const said = await askCloud('POST', `/v2/volumes/${volume}/snapshots`, {
          name: `${sight.cluster.name}-second`,
          tags: [sight.cluster.tag],
        })
        const second = snapshotMade.safeParse(said.body).data?.snapshot
        if (second) await askCloud('DELETE', `/v2/snapshots/${second.id}`)
        return answered(said)
      }),
    supposed: '201',
    wrong: '429',
    place: 'sandbox/digitalocean/behaviour.ts (snapshotPauseMs)',
  },
  {
    id: 'larger-from-snapshot',
    question: 'Which size has a volume of 2 GiB that is made from a snapshot of 1 GiB?',
    doubt: 'the driver expects the snapshot’s and resizes',
    when: 'last',
    ask: (sight) =>
      withSnapshot(sight, async (snapshot) => {
        const said = await askCloud('POST', '/v2/volumes', {
          name: `${sight.cluster.name}-larger`,
          size_gigabytes: 2,
          snapshot_id: snapshot.id,
          region: sight.cluster.wanted.region,
          tags: [sight.cluster.tag],
        })
        const volume = volumeMade.safeParse(said.body).data?.volume
        if (!volume) return answered(said)
        await askCloud('DELETE', `/v2/volumes/${volume.id}`)
        return { said: volume.size_gigabytes === 2 ? 'the asked one' : 'the snapshot’s' }
      }),
    supposed: 'the asked one',
    wrong: 'the snapshot’s',
    place: 'sandbox/digitalocean/volumes.ts',
  },
  {
    id: 'ports-returned',
    question: 'How does a firewall return a rule for all ports?',
    doubt: 'docs/digitalocean-differences.md: “0”, by others’ reports',
    when: 'grown',
    ask: async ({ cluster }) => {
      const own = (await cluster.cloud.firewalls()).find(({ name }) => name === names.firewall(cluster.name))
      const rule = own?.outbound_rules?.find(({ protocol }) => protocol === 'tcp')
      return { said: `ports ${rule?.ports ?? 'left out'}` }
    },
    supposed: 'ports 0',
    wrong: 'ports 1-65535',
    place: 'sandbox/digitalocean/firewalls.ts',
  },
  {
    id: 'account-limits',
    question: 'Does the account tell its limits of volumes and reserved addresses?',
    doubt: 'docs/digitalocean-differences.md: the description lacks them, the driver reads them',
    when: 'before',
    ask: async () => {
      const { body } = await askCloud('GET', '/v2/account')
      const shape = z.object({ account: z.looseObject({}) })
      const { account } = shape.parse(body)
      const there = ['volume_limit', 'reserved_ip_limit'].filter((name) => typeof account[name] === 'number')
      return { said: there.length === 2 ? 'both' : there.join(', ') || 'neither' }
    },
    supposed: 'both',
    wrong: 'neither',
    place: 'sandbox/digitalocean/account.ts',
  },
  {
    id: 'requests-an-hour',
    question: 'How many requests an hour does DigitalOcean allow, as its answers tell?',
    doubt: 'regrow’s pace counts by the minute alone',
    when: 'before',
    ask: async ({ requests }) => {
      const told = requests.findLast(({ service, limit }) => service === 'digitalocean' && limit)
      return told?.limit ? { said: told.limit } : new NotMet('no answer told a limit')
    },
    supposed: '5000',
    wrong: '250',
    place: 'sandbox/digitalocean/guard.ts',
  },
  {
    id: 'pause-with-429',
    question: 'Does a 429 tell how long to wait?',
    doubt: 'retry-after was never seen on the live API',
    when: 'after',
    ask: async ({ requests }) => {
      const refused = requests.filter(({ service, status }) => service === 'digitalocean' && status === 429)
      if (refused.length === 0) return new NotMet('no request was refused by 429, and none is provoked')
      return { said: refused.every(({ retryAfter }) => retryAfter) ? 'yes' : 'no' }
    },
    supposed: 'yes',
    wrong: 'no',
    place: 'sandbox/digitalocean/guard.ts',
  },
  {
    id: 'image',
    question: 'Is there an image debian-13-x64?',
    doubt: 'in use by others, not seen',
    when: 'before',
    ask: async ({ cluster }) => ({ said: (await cluster.cloud.hasImage('debian-13-x64')) ? 'yes' : 'no' }),
    supposed: 'yes',
    wrong: 'no',
    place: 'sandbox/digitalocean/catalog.ts, cloud-init',
  },
  {
    id: 'image-delete-scope',
    question: 'What does the scope image:delete really allow?',
    doubt: 'documented nowhere',
    unasked: 'Scoped tokens are made by hand in the control panel, and what such a token deletes is gone.',
  },
  {
    id: 'unassigned-address-fee',
    question: 'What does a reserved address cost while it leads nowhere?',
    doubt: 'the price page was not seen',
    unasked: 'Only the bill at the end of the month tells.',
  },
  {
    id: 'names-in-two-regions',
    question: 'May two snapshots in two regions have one name?',
    doubt: 'Terraform’s provider expects it to be taken; nobody saw it',
    unasked: 'It takes a volume in another region, where nothing of this play would look for what is left.',
  },
  {
    id: 'first-network-of-a-region',
    question: 'Does the first network of a region become its default, which cannot be deleted?',
    doubt: 'the sandbox has it so; Terraform’s provider met only a region that had one',
    unasked: 'It takes a region in which the account has no network, and would leave one there for ever.',
  },
]
