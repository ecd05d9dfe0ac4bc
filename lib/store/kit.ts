import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { clusterAuthorities, makeClusterAuthorities, makeSshKeyPair } from '#cloud-init/index.ts'
import { change } from '../base/change.ts'
import { askForSecret } from '../base/confirm.ts'
import { isDryRun } from '../base/dry-run.ts'
import { again, command, hint } from '../base/hint.ts'
import { isMachineName, names } from '../base/names.ts'
import { Problem } from '../base/problem.ts'
import { remember, Secret } from '../base/secret.ts'
import { tell } from '../base/story.ts'
import { cloudTime } from '../clients/clock.ts'
import type { Droplet } from '../clients/digitalocean-types.ts'
import { lately } from '../clients/lately.ts'
import type { Bucket } from '../clients/s3.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { descriptionPath } from '../cluster/description.ts'
import type { Buckets } from './buckets.ts'
import { parseRecord, recordText } from './records.ts'
import { makeSealingKey } from './sealing-key.ts'

const pair = z.object({ publicKey: z.string(), privateKey: z.string() })

/** A kit of which nothing can be believed. */
export class DamagedKit extends Problem {
  constructor(bucket: string, cause: unknown) {
    super(`the kit in ${bucket} is damaged`, {
      cure: 'Bring back an earlier copy of it; without it neither the cluster nor its backups can be opened.',
      cause,
    })
  }
}

/** Everything that outlives the cluster: written once, found ever after. */
export const kitSchema = z.object({
  version: z.literal(1),
  cluster: z.string(),
  createdAt: z.string(),
  authorities: clusterAuthorities,
  serverToken: z.string(),
  agentToken: z.string(),
  /** Encrypts Velero's kopia repository. */
  kopiaPassword: z.string(),
  sealing: z.object({ certificate: z.string(), key: z.string() }),
  ssh: pair,
  /** Argo CD reads the repository with it. */
  deploy: pair,
  argocd: z.object({
    serverSecret: z.string(),
    password: z.string(),
    passwordHash: z.string(),
    passwordAt: z.string(),
  }),
})
export type Kit = z.infer<typeof kitSchema>

/** Where a kit lies that the bucket alone protects. */
export const plainKit = 'kit.json'
/** Where a kit lies that a passphrase protects. */
export const sealedKit = 'kit.json.age'

/**
 * The kit, made the first time. It is never overwritten: everything else would be lost with it.
 * @param original the kit of the cluster whose backups this one opens: it takes over what opens them and what is
 *   sealed in Git, and nothing that would make one cluster's certificates and tokens good at the other
 * @throws Problem where a new one would stand beside what another kit opens
 */
export async function ensureKit(buckets: Buckets, cluster: Cluster, original?: Kit): Promise<Kit> {
  const { name, cloud } = cluster
  const found = await readKit(buckets)
  if (found) {
    tell('=', 'kit', `of ${found.createdAt}`)
    return found
  }
  const lost = await lostKit(cluster, buckets)
  if (lost) throw lost
  const started = performance.now()
  const kit = {
    ...(await makeKit(name, cloudTime(cloud))),
    ...(original ? { kopiaPassword: original.kopiaPassword, sealing: original.sealing } : {}),
  }
  rememberAll(kit)
  if (isDryRun()) return kit
  const passphrase = process.env.REGROW_PASSPHRASE
  const text = recordText(kit)
  await change(`aws s3 cp - s3://${buckets.places.kit}/${passphrase ? sealedKit : plainKit}`, async () => {
    // Looked at again under the lock: not every store refuses to overwrite.
    if (await readKit(buckets)) return
    if (passphrase) await buckets.kit.put(sealedKit, await encrypt(text, passphrase), { once: true })
    else await buckets.kit.put(plainKit, text, { once: true, type: 'application/json' })
  })
  const written = await readKit(buckets)
  if (!written) throw new Problem('the kit was written and cannot be read', { cure: `Run ${again()}.` })
  tell(
    '+',
    'kit',
    passphrase ? 'keys and tokens, encrypted by your passphrase' : 'keys and tokens, protected by the bucket',
    (performance.now() - started) / 1000,
  )
  return written
}

/**
 * What is wrong where a new kit would be made and the machines or backups of another are there: it would cut those off, and
 * open none of these.
 * @param buckets undefined where the kit's bucket is not there
 * @param droplets those of the cluster; asked for where they are not known
 */
export async function lostKit(
  cluster: Cluster,
  buckets: Pick<Buckets, 'velero' | 'kit'> | undefined,
  droplets?: readonly Droplet[],
): Promise<Problem | undefined> {
  const { cloud, name, tag } = cluster
  const machines = (droplets ?? (await lately(cloud).dropletsTagged(tag)))
    .map((one) => one.name)
    .filter((one) => isMachineName(name, one))
  const backups = (await buckets?.velero.list('backups/', 1)) ?? []
  const there = machines.length > 0 ? `droplet ${machines.join(', ')}` : backups[0] && 'backups'
  if (!there) return undefined
  const where = buckets ? `bucket ${buckets.kit.name} holds none` : 'its bucket is not there'
  return new Problem(
    `the kit of cluster ${name} is gone: ${where}, and ${there} of the cluster ${there === 'backups' ? 'are' : 'is'} there`,
    {
      cure: `A new kit opens neither. Is store.kit in ${descriptionPath(name)} what it was? A kit moves by a copy, never by that name alone (docs/setup.md). Is it lost for good? ${hint('scripts/destroy.mts', cluster)} removes the machines; name other buckets then (store.velero, store.kit).`,
    },
  )
}

/**
 * The kit as the bucket has it; undefined when there is none.
 * @throws Problem when it needs a passphrase that is missing or wrong, or is damaged
 */
export async function readKit(buckets: Pick<Buckets, 'kit'>): Promise<Kit | undefined> {
  const [open, closed] = await Promise.all([buckets.kit.get(plainKit), buckets.kit.get(sealedKit)])
  if (!open && !closed) return undefined
  const text = closed ? await decrypt(closed) : Buffer.from(open ?? '').toString()
  const read = kitSchema.safeParse(parseRecord(text))
  if (!read.success) throw new DamagedKit(buckets.kit.name, read.error)
  rememberAll(read.data)
  return read.data
}

/** Whether there is a kit, whoever can open it. */
export const hasKit = async (kit: Bucket): Promise<boolean> =>
  (await Promise.all([kit.exists(plainKit), kit.exists(sealedKit)])).includes(true)

/** The kit of a cluster that must have one. @throws Problem */
export async function needKit(buckets: Buckets | undefined, cluster: string): Promise<Kit> {
  const kit = buckets && (await readKit(buckets))
  if (!kit)
    throw new Problem(`there is no kit of a cluster “${cluster}”`, {
      cure: `${command('bootstrap.mts')} grows it.`,
    })
  return kit
}

async function makeKit(cluster: string, now: Date): Promise<Kit> {
  const { hash } = await import('bcryptjs')
  const random = (bytes: number) => randomBytes(bytes).toString('hex')
  const password = randomBytes(18).toString('base64url')
  const [authorities, sealing, passwordHash] = await Promise.all([
    makeClusterAuthorities({ now }),
    makeSealingKey({ now }),
    hash(password, 10),
  ])
  return {
    version: 1,
    cluster,
    createdAt: now.toISOString(),
    authorities,
    serverToken: random(24),
    agentToken: random(24),
    kopiaPassword: random(32),
    sealing,
    ssh: makeSshKeyPair(names.sshComment(cluster)),
    deploy: makeSshKeyPair(`argocd ${cluster}`),
    argocd: { serverSecret: random(32), password, passwordHash, passwordAt: now.toISOString() },
  }
}

/** From now on none of these is ever printed. */
function rememberAll(kit: Kit): void {
  for (const one of [
    kit.serverToken,
    kit.agentToken,
    kit.kopiaPassword,
    kit.sealing.key,
    kit.ssh.privateKey,
    kit.deploy.privateKey,
    kit.argocd.serverSecret,
    kit.argocd.password,
    ...Object.values(kit.authorities).map((one) => (typeof one === 'string' ? one : one.key)),
  ])
    remember(one)
}

async function encrypt(text: string, passphrase: string): Promise<Uint8Array> {
  const { Encrypter } = await import('age-encryption')
  const encrypter = new Encrypter()
  encrypter.setPassphrase(new Secret(passphrase).reveal())
  return encrypter.encrypt(text)
}

async function decrypt(bytes: Uint8Array): Promise<string> {
  process.env.REGROW_PASSPHRASE ||= await askForSecret('Passphrase of the kit')
  const passphrase = process.env.REGROW_PASSPHRASE
  if (!passphrase)
    throw new Problem('the kit is encrypted and no passphrase is given', {
      cure: 'export REGROW_PASSPHRASE=…',
    })
  const { Decrypter } = await import('age-encryption')
  const decrypter = new Decrypter()
  decrypter.addPassphrase(new Secret(passphrase).reveal())
  try {
    return await decrypter.decrypt(bytes, 'text')
  } catch (cause) {
    throw new Problem('the passphrase does not open the kit', {
      cure: 'Set REGROW_PASSPHRASE to the one used when the cluster was grown.',
      cause,
    })
  }
}
