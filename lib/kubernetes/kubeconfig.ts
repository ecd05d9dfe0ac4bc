import { createPrivateKey, X509Certificate } from 'node:crypto'
import { accessSync, constants, lstatSync, mkdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname, resolve } from 'node:path'
import { load } from 'js-yaml'
import { z } from 'zod'
import { cloudTime } from '../clients/clock.ts'
import type { DigitalOcean } from '../clients/digitalocean.ts'
import { type KeyAndCertificate, makeOperatorCertificate, renderKubeconfig } from '../node/index.ts'
import { writePrivate } from '../private-file.ts'
import { Problem } from '../problem.ts'
import type { Kit } from '../store/kit.ts'
import type { Kube } from '../tools.ts'

const day = 86_400_000

/** The name in the API server's certificate that never changes, whatever the address. */
export const tlsName = (cluster: string) => `${cluster}.regrow.internal`

/** Where a cluster's kubeconfig is written: the current folder, or `REGROW_KUBECONFIG_DIR`. */
export const kubeconfigPath = (cluster: string) =>
  resolve(process.env.REGROW_KUBECONFIG_DIR ?? '.', `kubeconfig-${cluster}.yaml`)

/** 6443; another port only where a rehearsal has a single address for all its servers. */
const apiPort = () => process.env.REGROW_API_PORT ?? '6443'

/** Whether anything listens where a machine's Kubernetes API would; up to five seconds are waited for. */
export const apiAnswers = (address: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: address, port: Number(apiPort()), timeout: 5000 })
    const end = (heard: boolean) => {
      socket.destroy()
      resolve(heard)
    }
    socket.once('connect', () => end(true))
    socket.once('timeout', () => end(false))
    socket.once('error', () => end(false))
  })

const withUser = z.object({
  users: z.tuple([
    z.object({ user: z.object({ 'client-certificate-data': z.base64(), 'client-key-data': z.base64() }) }),
  ]),
})

/**
 * Writes the kubeconfig (mode 0600): it was known before the machine, because the kit holds the authorities. One that
 * says the same, with a certificate that is good for another month, stays as it is, unless somebody else could read it.
 */
export async function writeKubeconfig(
  cluster: { name: string; cloud: Pick<DigitalOcean, 'clockOffset'> },
  kit: Pick<Kit, 'authorities'>,
  address: string,
  file = kubeconfigPath(cluster.name),
): Promise<Kube> {
  const now = cloudTime(cluster.cloud)
  const text = ({ cert, key }: KeyAndCertificate) =>
    renderKubeconfig({
      cluster: cluster.name,
      server: `https://${address}:${apiPort()}`,
      tlsServerName: tlsName(cluster.name),
      ca: kit.authorities.server.cert,
      cert,
      key,
    })
  const before = readBefore(file)
  const operator = before && operatorIn(before.text)
  const isSame = operator && text(operator) === before.text && isGood(operator, kit, now)
  const wanted = isSame ? before.text : text(await makeOperatorCertificate(kit.authorities, { now }))
  try {
    mkdirSync(dirname(file), { recursive: true })
    if (!isSame || !before.isPrivate) writePrivate(file, wanted)
  } catch (cause) {
    throw unwritable(
      file,
      cause,
      file === kubeconfigPath(cluster.name) ? 'REGROW_KUBECONFIG_DIR' : '--output',
    )
  }
  return { file }
}

/** What lies there: its text, and whether nobody else can read it. @throws Problem for a link, a folder or a device */
function readBefore(file: string): { text: string; isPrivate: boolean } | undefined {
  try {
    const seen = lstatSync(file)
    // A new file takes its place, and that of a device nothing should take.
    if (!seen.isFile())
      throw new Problem(`${file} is there and is not a file of its own`, {
        cure: 'Name another with --output, or remove it.',
      })
    const isPrivate = seen.uid === process.getuid?.() && (seen.mode & 0o077) === 0
    return { text: readFileSync(file, 'utf8'), isPrivate }
  } catch (error) {
    if (error instanceof Problem) throw error
    // Not there, or not to be read: then writing says what is wrong with it.
    return undefined
  }
}

/** The operator's certificate and key in a kubeconfig; undefined when the text is none of ours. */
function operatorIn(text: string): KeyAndCertificate | undefined {
  try {
    const [{ user }] = withUser.parse(load(text)).users
    const plain = (base64: string) => Buffer.from(base64, 'base64').toString()
    return { cert: plain(user['client-certificate-data']), key: plain(user['client-key-data']) }
  } catch {
    return undefined
  }
}

/** Whether a certificate opens the cluster of a kit for a month to come. */
function isGood(operator: KeyAndCertificate, { authorities }: Pick<Kit, 'authorities'>, now: Date): boolean {
  try {
    const cert = new X509Certificate(operator.cert)
    return (
      cert.verify(new X509Certificate(authorities.client.cert).publicKey) &&
      cert.checkPrivateKey(createPrivateKey(operator.key)) &&
      cert.subject.split('\n').includes('O=system:masters') &&
      Date.parse(cert.validFrom) <= now.getTime() &&
      Date.parse(cert.validTo) > now.getTime() + 30 * day
    )
  } catch {
    return false
  }
}

/** Whether the kubeconfig can be written at the end: asked beforehand, while nothing exists. @throws Problem */
export function checkKubeconfigPlace(cluster: string): void {
  const file = kubeconfigPath(cluster)
  try {
    accessSync(dirname(file), constants.W_OK)
  } catch (cause) {
    // A folder that is not there yet will be made.
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw unwritable(file, cause)
  }
}

function unwritable(file: string, cause: unknown, by = 'REGROW_KUBECONFIG_DIR'): Problem {
  return new Problem(`${file} cannot be written${why(cause)}`, {
    cure: `Run it in a folder of yours, or name one with ${by}.`,
    cause,
  })
}

const why = (cause: unknown) => (cause instanceof Error && 'code' in cause ? ` (${cause.code})` : '')
