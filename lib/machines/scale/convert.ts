import { z } from 'zod'
import { isDryRun } from '../../base/dry-run.ts'
import { again, command } from '../../base/hint.ts'
import { parseJson } from '../../base/json.ts'
import { Problem } from '../../base/problem.ts'
import { tell } from '../../base/story.ts'
import { waitFor } from '../../base/wait.ts'
import { type Kube, kubectl, ToolFailure } from '../../clients/tools.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { versionsOf } from '../../cluster/versions.ts'
import { membersNow } from '../../kubernetes/nodes.ts'
import { kubectlRepeated } from '../../kubernetes/repeated.ts'
import { readReport, reportKey } from '../../store/nodes.ts'
import type { Foundation } from '../foundation/foundation.ts'
import { boots, bootsNow, startAnew } from './start-anew.ts'

const name = 'regrow-convert'
const week = 7 * 24 * 3600
const wished = z.object({ data: z.object({ boots: z.string().optional() }).optional() })
const map = z.object({ data: z.object({ state: z.string(), message: z.string() }).partial().optional() })

/**
 * Turns the datastore of the only server from SQLite into etcd. The node does it itself: a file that appears in its
 * folder starts its unit, which copies the database, lets k3s move it over, compares a marker written before, and puts
 * the copy back otherwise (cloud-init/steps/convert.sh). The pod made here only writes that file. Whatever came of it,
 * each machine is restarted before that is told, because the numbers by which watches go on have changed.
 * @throws Problem with the node's own words; the old database serves again then
 */
export async function convertToEtcd(
  cluster: Cluster,
  { buckets }: Foundation,
  kube: Kube,
  server: string,
): Promise<void> {
  const started = performance.now()
  const url = await buckets.kit.sign('PUT', reportKey(server, 'convert'), week)
  const image = `docker.io/library/busybox:${versionsOf(cluster.wanted.versions).busybox}`
  const all = await bootsNow(kube)
  const old = { ...(all[server] ? { [server]: all[server] } : {}), ...all } // the server first
  const ask = () =>
    kubectlRepeated(
      kube,
      manifest(server, url, image, old),
    )`apply --server-side --force-conflicts --field-manager regrow -f -`
  if (isDryRun()) {
    await ask()
    await startAnew(cluster, kube, old)
    return
  }
  const identity = await uid(kube)
  // A step that ran out of time could not say so in the cluster, only where it reports.
  const earlier = await readReport(buckets.kit, server, 'convert')
  if ((await state(kube))?.state !== 'running' || earlier?.state === 'failed') {
    await buckets.kit.remove(reportKey(server, 'convert'))
    await kubectlRepeated(kube)`delete pod ${name} -n kube-system --ignore-not-found`
    await ask()
  }
  const outcome = await waitFor(
    { until: `${server} keeps its objects in etcd`, every: 5, within: 900 },
    async (note) => {
      const report = await readReport(buckets.kit, server, 'convert')
      if (report?.state === 'failed') return report
      const now = await state(kube)
      note(now?.message ?? 'the Kubernetes API does not answer, as is to be expected meanwhile')
      if (now?.state !== 'done') return undefined
      return (await membersNow(kube))?.find((one) => one.name === server)?.etcd ? now : undefined
    },
  )
  // What failed may have left no API to ask.
  if (outcome.state === 'done' || (await state(kube))) await whoWatchedStartsAnew(cluster, kube)
  if (outcome.state === 'failed')
    throw new Problem(`${server} could not be converted to etcd: ${outcome.message}`, {
      cure: `Nothing is lost. Run ${again()}, or restore into three fresh servers (docs/scaling.md).`,
    })
  if ((await uid(kube)) !== identity)
    throw new Problem(`${server} runs etcd, and another cluster is in it`, {
      cure: `Bring the last backup back: ${command('restore.mts', '--backup', 'latest', '--replace')}`,
    })
  tell('~', `server ${server}`, 'SQLite → etcd', (performance.now() - started) / 1000)
}

/**
 * Takes back what asked for a conversion, once it is over. The node finishes one whether or not the run that asked is
 * still alive, so a run that was killed meanwhile leaves it, with the signed address in it, and with the machines that
 * are still to be restarted.
 */
export async function withdrawConversion(cluster: Cluster, kube: Kube): Promise<void> {
  await whoWatchedStartsAnew(cluster, kube)
  const left = await kubectlRepeated(kube)`get secret ${name} -n kube-system --ignore-not-found -o json`
  if (left.text.trim() === '') return
  await kubectlRepeated(kube)`delete pod,secret ${name} -n kube-system --ignore-not-found`
}

/** Only where k3s started with another database: before that the node says `running`, or nothing. */
async function whoWatchedStartsAnew(cluster: Cluster, kube: Kube): Promise<void> {
  const found = await kubectlRepeated(kube)`get secret ${name} -n kube-system --ignore-not-found -o json`
  const noted = found.text.trim() === '' ? undefined : found.json(wished).data?.boots
  const { state: said } = (noted ? await state(kube) : undefined) ?? {}
  if (!noted || (said !== 'done' && said !== 'failed')) return
  const old = boots.safeParse(parseJson(Buffer.from(noted, 'base64').toString())).data
  // Where nobody can read which boots they were, each machine is restarted.
  await startAnew(cluster, kube, old ?? (await bootsNow(kube)))
}

/**
 * The Secret carries the signed address of the report, which the pod hands to the node, readable to root alone, and the
 * boots that the machines were in.
 */
function manifest(server: string, url: string, image: string, old: z.infer<typeof boots>): string {
  const metadata = { name, namespace: 'kube-system' }
  const script = 'umask 077; cat /wish/url >/convert/wanted.new; mv /convert/wanted.new /convert/wanted'
  const mounts = ['wish', 'convert'].map((one) => ({ name: one, mountPath: `/${one}` }))
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata,
    stringData: { url, boots: JSON.stringify(old) },
  }
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata,
    spec: {
      nodeName: server,
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      containers: [{ name: 'ask', image, command: ['sh', '-ec', script], volumeMounts: mounts }],
      volumes: [
        { name: 'wish', secret: { secretName: name } },
        { name: 'convert', hostPath: { path: '/var/lib/regrow/convert', type: 'Directory' } },
      ],
    },
  }
  return [secret, pod].map((one) => JSON.stringify(one)).join('\n---\n')
}

/** The identity of a cluster: the namespace kube-system is made once, with its first start. */
async function uid(kube: Kube): Promise<string> {
  const answer = await kubectlRepeated(kube)`get namespace kube-system -o ${'jsonpath={.metadata.uid}'}`
  return answer.text.trim()
}

async function state(kube: Kube): Promise<z.infer<typeof map>['data']> {
  try {
    const answer = await kubectl(
      kube,
    )`get configmap ${name} -n kube-system --ignore-not-found --request-timeout 10s -o json`
    return answer.text.trim() === '' ? {} : answer.json(map).data
  } catch (error) {
    if (!(error instanceof ToolFailure)) throw error
    return undefined
  }
}
