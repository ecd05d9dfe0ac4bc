import { hint } from '../../base/hint.ts'
import { accountOf, type Cluster } from '../../cluster/cluster.ts'
import { dollars } from '../../cluster/prices.ts'
import { shutOut } from '../../kubernetes/who-may-connect.ts'

/** One thing of a plan: made, mended or kept, and what it costs a month in dollars. */
export interface PlanItem {
  mark: '+' | '~' | '='
  kind: string
  name: string
  detail: string
  perMonth: number
  /** Of a droplet that has another size than Git says: only scale changes it. */
  size?: { is: string; wanted: string }
}

/** What the plan says on the screen: whose it is, a line an item, warnings, and dollars a month. */
export function planText(
  cluster: Cluster,
  items: PlanItem[],
  perMonth: number,
  warnings: readonly string[] = [],
): string {
  const account = accountOf(cluster)
  const who = `${account.team?.name ? `${account.email} (team ${account.team.name})` : account.email} at DigitalOcean, ${cluster.login} at GitHub`
  const rows = items.map((item) => [
    item.mark,
    item.kind,
    item.name,
    item.detail,
    item.perMonth ? dollars(item.perMonth) : '',
  ])
  // A long name pushes its own line and not the others: a plan fits 80 columns.
  const widths = [1, 2, 3].map((column) =>
    Math.max(0, ...rows.map((row) => row[column]?.length ?? 0).filter((length) => length <= 30)),
  )
  const [first = 0, second = 0, third = 0] = widths
  const line = ([mark = '', kind = '', name = '', detail = '', price = '']: string[]) => {
    const left = `  ${mark} ${kind.padEnd(first)}  ${name.padEnd(second)}  ${detail}`
    return `${left.padEnd(first + second + third + 8)}  ${price.padStart(6)}`.trimEnd()
  }
  // A grown cluster may have one already: status tells whose.
  const grows = items.some((one) => one.kind === 'droplet' && one.mark === '+')
  const csi =
    cluster.tokens.csiIsMain && grows
      ? [
          '  ! your DigitalOcean token will live in the cluster, because volumes need one:',
          '    who takes the cluster over has the account with it, backups and kit too.',
          '    REGROW_CSI_TOKEN takes one for volumes and snapshots alone, made at',
          '    https://cloud.digitalocean.com/account/api/tokens/new (docs/setup.md)',
        ]
      : []
  const nothing = items.every((item) => item.mark === '=')
  const mine = shutOut(cluster.wanted.network.adminCidrs)
  const shut = mine ? [`  ! this machine has ${mine}, which --admin-cidr does not let in`] : []
  const otherSizes = sizesBeside(cluster, items).map((one) => `  ! ${one}`)
  return [
    `cluster ${cluster.name}: ${who}`,
    ...rows.map(line),
    ...csi,
    ...[...endingTokens(cluster), ...warnings].map((one) => `  ! ${one}`),
    ...otherSizes,
    ...shut,
    `  ${dollars(perMonth)} a month${nothing ? '; nothing to make' : ''}`,
  ].join('\n')
}

/** Machines of another size than Git says, one line each, with the command that changes it. */
export function sizesBeside(cluster: Cluster, items: readonly PlanItem[]): string[] {
  return items.flatMap(({ name, size }) =>
    size
      ? [`${name} is ${size.is}, and not ${size.wanted} as Git says: ${hint('scale.mts', cluster)} does it`]
      : [],
  )
}

/** Warns of tokens that end within a month: volumes and their backups stop with the one in the cluster. */
export function endingTokens({ tokensEnd }: Pick<Cluster, 'tokensEnd'>): string[] {
  const month = 30 * 86_400_000
  const all = [
    ['DigitalOcean token', tokensEnd.digitalocean],
    ['token in REGROW_CSI_TOKEN', tokensEnd.csi],
    ['GitHub token', tokensEnd.github],
  ] as const
  return all.flatMap(([which, end]) =>
    end && end.getTime() - Date.now() < month
      ? [`your ${which} ends on ${end.toISOString().slice(0, 10)}`]
      : [],
  )
}
