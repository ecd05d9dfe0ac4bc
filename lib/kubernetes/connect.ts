import { DryRunEnd, isDryRun } from '../base/dry-run.ts'
import { again, hint } from '../base/hint.ts'
import { Problem } from '../base/problem.ts'
import { tell } from '../base/story.ts'
import { waitFor } from '../base/wait.ts'
import type { ReservedIp } from '../clients/digitalocean-types.ts'
import { type Kube, kubectl, ToolFailure } from '../clients/tools.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Buckets } from '../store/buckets.ts'
import type { Kit } from '../store/kit.ts'
import { operatorGroup } from '../store/operators.ts'
import { hasPlatform } from './applications.ts'
import { writeKubeconfig } from './kubeconfig.ts'
import { ensureOperators } from './operators.ts'
import { installDeadline, Reports, silenceDeadline } from './reports.ts'
import { watchTroubles } from './troubles.ts'
import { shutOut, whoMayConnect } from './who-may-connect.ts'

/**
 * Follows a first server from power-on to the end of its own work, a Kubernetes API that answers and an Argo CD that knows
 * the platform: by its reports, and by the API as soon as that answers.
 * @throws Problem with the step that failed, its cause in plain words and the log's end; or naming what may be in
 *   the way when nothing is heard
 */
export async function connect(
  cluster: Cluster,
  {
    kit,
    buckets,
    address: { ip: address },
    name: node,
  }: { kit: Kit; buckets: Buckets; address: ReservedIp; name: string },
): Promise<Kube> {
  if (isDryRun()) throw new DryRunEnd('what comes next happens on the machine; nothing was changed')
  const group = await operatorGroup(buckets.kit)
  const kube = await writeKubeconfig(cluster, kit, address, { group })
  const [before, given] = await Promise.all([ready(kube, node), hasPlatform(kube)])
  if (before === 'ready') {
    tell('=', `node ${node}`, 'Ready')
    await ensureOperators(kube, group)
    if (given) return kube
  }
  const reports = new Reports(buckets, node, 'first-server')
  const cure = cureForDeafness(cluster, address)
  const patience = shutOut(cluster.wanted.network.adminCidrs) ? 60 : 300
  const silence = new Silence(`${address}:6443`, cure, patience)
  const troubled = watchTroubles(kube)
  const started = performance.now()
  let told = before === 'ready'
  await waitFor(
    { until: `${node} installs itself`, every: 3, within: installDeadline, cure },
    async (note) => {
      const [answers] = await Promise.all([ready(kube, node), reports.follow()])
      if (reports.finished) silence.heard(answers !== undefined)
      const seconds = (performance.now() - started) / 1000
      if (!answers && reports.silent && seconds > silenceDeadline)
        throw new Problem(`nothing was heard from ${node} within ${silenceDeadline} s`, {
          cure: cureForSilence(cluster),
        })
      if (answers !== 'ready') {
        note(
          answers
            ? `node ${node} is not Ready`
            : `${reports.last}; the Kubernetes API at ${address}:6443 does not answer`,
        )
        return undefined
      }
      if (!told) {
        tell('+', `node ${node}`, 'Ready', seconds)
        // At once: who looks into the cluster while this waits is let in.
        await ensureOperators(kube, group)
      }
      told = true
      if (await hasPlatform(kube)) return true
      note(['Argo CD does not run yet', ...(await troubled())].join('; '))
      return undefined
    },
  )
  return kube
}

/** An API that is silent although its node has installed itself: that is told soon, and not waited for as long. */
class Silence {
  readonly #api: string
  readonly #cure: string
  readonly #patience: number
  #since: number | undefined
  #told = false

  /** @param patience how long it may last, in seconds */
  constructor(api: string, cure: string, patience: number) {
    this.#api = api
    this.#cure = cure
    this.#patience = patience
  }

  /** @throws Problem when it lasts too long */
  heard(answers: boolean): void {
    if (answers) this.#since = undefined
    else this.#since ??= performance.now()
    const seconds = this.#since === undefined ? 0 : (performance.now() - this.#since) / 1000
    const what = `the Kubernetes API at ${this.#api} does not answer`
    if (seconds > this.#patience)
      throw new Problem(`${what}, though its machine is ready`, { cure: this.#cure })
    if (seconds < 20 || this.#told) return
    this.#told = true
    tell('!', what, this.#cure)
  }
}

/** Whether the API answers, and whether the node is Ready; undefined when it does not answer. */
async function ready(kube: Kube, node: string): Promise<'ready' | 'answers' | undefined> {
  try {
    const path = '{.status.conditions[?(@.type=="Ready")].status}'
    const answer = await kubectl(
      kube,
    )`get node ${node} --ignore-not-found --request-timeout 5s -o ${`jsonpath=${path}`}`
    return answer.text.trim() === 'True' ? 'ready' : 'answers'
  } catch (error) {
    if (!(error instanceof ToolFailure)) throw error
    return undefined
  }
}

const cureForSilence = (cluster: Cluster) =>
  `Is the way out of its firewall and network open? It is billed; ${again()} puts another in its place if it is still silent then. ${hint('scripts/status.mts', cluster)} shows what exists.`

function cureForDeafness(cluster: Cluster, address: string): string {
  return `${whoMayConnect(address, cluster.wanted.network.adminCidrs)} ${hint('scripts/status.mts', cluster)} shows what exists.`
}
