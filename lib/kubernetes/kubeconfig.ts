import { createPrivateKey, X509Certificate } from 'node:crypto'
import { accessSync, constants, lstatSync, mkdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { load } from 'js-yaml'
import { z } from 'zod'
import { type KeyAndCertificate, makeOperatorCertificate, renderKubeconfig } from '#cloud-init/index.ts'
import { writePrivate } from '../base/private-file.ts'
import { Problem } from '../base/problem.ts'
import { workFolder } from '../base/work-folder.ts'
import { cloudTime } from '../clients/clock.ts'
import type { DigitalOcean } from '../clients/digitalocean.ts'
import type { Kube } from '../clients/tools.ts'
import type { Kit } from '../store/kit.ts'

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

/** Days for which a person's kubeconfig is good; each run that finds less than {@link renewed} left makes a new one. */
const days = 7
const renewed = 3

interface Owner {
  name: string
  cloud: Pick<DigitalOcean, 'clockOffset'>
}

/**
 * Writes the kubeconfig of this run alone into its own folder: whatever the cluster holds, it opens it for a day.
 * @returns the path
 */
export async function runKubeconfig(
  cluster: Owner,
  kit: Pick<Kit, 'authorities'>,
  address: string,
): Promise<string> {
  const file = join(workFolder(), `kubeconfig-${cluster.name}-${address}.yaml`)
  const made = await makeOperatorCertificate(kit.authorities, { now: cloudTime(cluster.cloud), days: 1 })
  writePrivate(file, textOf(cluster, kit, address, made))
  return file
}

/**
 * Writes a person's kubeconfig (mode 0600): it was known before the machine, because the kit holds the authorities. It
 * is good for a week; one that says the same and is good for three more days stays as it is, unless somebody else could
 * read it.
 * @param group whose members the cluster lets in, see `ensureOperators`
 * @returns with the kubeconfig that this run uses itself
 */
export async function writeKubeconfig(
  cluster: Owner,
  kit: Pick<Kit, 'authorities'>,
  address: string,
  { group, file = kubeconfigPath(cluster.name) }: { group: string; file?: string | undefined },
): Promise<Required<Kube>> {
  const now = cloudTime(cluster.cloud)
  const text = (one: KeyAndCertificate) => textOf(cluster, kit, address, one)
  const before = readBefore(file)
  const operator = before && operatorIn(before.text)
  const isSame = operator && text(operator) === before.text && isGood(operator, { kit, now, group })
  const wanted = isSame
    ? before.text
    : text(await makeOperatorCertificate(kit.authorities, { now, days, group }))
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
  return { file, run: await runKubeconfig(cluster, kit, address) }
}

const textOf = (
  { name }: Owner,
  kit: Pick<Kit, 'authorities'>,
  address: string,
  { cert, key }: KeyAndCertificate,
) =>
  renderKubeconfig({
    cluster: name,
    server: `https://${address}:${apiPort()}`,
    tlsServerName: tlsName(name),
    ca: kit.authorities.server.cert,
    cert,
    key,
  })

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

/** Whether a certificate opens the cluster of a kit for some days to come. */
function isGood(
  operator: KeyAndCertificate,
  { kit: { authorities }, now, group }: { kit: Pick<Kit, 'authorities'>; now: Date; group: string },
): boolean {
  try {
    const cert = new X509Certificate(operator.cert)
    return (
      cert.verify(new X509Certificate(authorities.client.cert).publicKey) &&
      cert.checkPrivateKey(createPrivateKey(operator.key)) &&
      cert.subject.split('\n').includes(`O=${group}`) &&
      Date.parse(cert.validFrom) <= now.getTime() &&
      Date.parse(cert.validTo) > now.getTime() + renewed * day
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
