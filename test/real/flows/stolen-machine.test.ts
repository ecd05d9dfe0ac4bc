import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { load } from 'js-yaml'
import t from 'tap'
import { z } from 'zod'
import { makeCertificate, renderKubeconfig } from '#cloud-init/index.ts'
import { kitSchema } from '../../../lib/store/kit.ts'
import { confirmed, openTestBox, speak } from '../../flows/box.ts'
import { kubeconfig } from '../../flows/fleet.ts'
import { openShop } from '../../flows/shop.ts'
import { asked, handsIn, keyIn, opened, opensCluster, secretIn } from '../../flows/stolen.ts'

// Somebody was root on a machine of a SIMULATED cluster: the row of docs/security.md about that, played with what lies on a
// server's and on an agent's disk, and with what its cluster then tells.

t.setTimeout(900_000)
const box = await openTestBox(t)
const hands = handsIn(box)
const scopes =
  readFileSync('docs/setup.md', 'utf8').match(/\b[a-z_]+:(read|create|delete)\b(?= {2}|\n)/g) ?? []
hands.makeToken('dop_v1_csi', scopes)
box.env.REGROW_CSI_TOKEN = 'dop_v1_csi'
const shop = await openShop(box)
const own = box.env.KUBECONFIG ?? ''
const grown = await box.run('scale.mts', ['--add', '1', '--yes'])
if (grown.code !== 0) throw new Error(grown.err)
await shop.write()
await shop.backUp('before')

const droplets = z.object({ droplets: z.array(z.object({ id: z.number(), name: z.string() })) })
/** What lies on a machine's disk when it has installed itself: its bundle, as k3s uses it ever after. */
async function diskOf(name: string): Promise<string> {
  const all = droplets.parse(await box.cloud('GET', '/v2/droplets')).droplets
  const id = all.find((one) => one.name === name)?.id
  return join(box.dir, '.sandbox', 'droplets', String(id), 'bundle', 'k3s')
}
const settings = (disk: string) =>
  z
    .object({ token: z.string(), 'agent-token': z.string().optional() })
    .parse(load(readFileSync(join(disk, 'config.yaml'), 'utf8')))
const kitOf = (cluster: string) => {
  const spaces = join(box.dir, '.sandbox', 'spaces')
  const folder = readdirSync(spaces).find(
    (one) => one.startsWith(`regrow-${cluster}-`) && one.endsWith('-kit'),
  )
  return kitSchema.parse(JSON.parse(readFileSync(join(spaces, folder ?? '', 'kit.json@'), 'utf8')))
}
/** A kubeconfig of an administrator that the thief's authority signed, for the API at the address of another kubeconfig. */
async function administratorAt(target: string, authority: { cert: string; key: string }): Promise<string> {
  const { clusters } = kubeconfig.parse(load(readFileSync(target, 'utf8')))
  const at = clusters[0]?.cluster
  const wish = { now: new Date(), name: 'mallory', organization: 'system:masters', usage: 'client' as const }
  const text = renderKubeconfig({
    ...(await makeCertificate(authority, wish)),
    cluster: 'theirs',
    server: at?.server ?? '',
    tlsServerName: at?.['tls-server-name'] ?? '',
    ca: Buffer.from(at?.['certificate-authority-data'] ?? '', 'base64').toString(),
  })
  return box.file('theirs.yaml', text)
}

const server = await diskOf('main-1')
const agent = await diskOf('main-2')
const authority = {
  cert: readFileSync(join(server, 'tls', 'client-ca.crt'), 'utf8'),
  key: readFileSync(join(server, 'tls', 'client-ca.key'), 'utf8'),
}
const theirs = await administratorAt(own, authority)
const found = {
  velero: keyIn(await secretIn(box, theirs, 'velero/velero-credentials', 'cloud')),
  cloud: await secretIn(box, theirs, 'kube-system/digitalocean', 'access-token'),
  deploy: await secretIn(box, theirs, 'argocd/regrow-repository', 'sshPrivateKey'),
  sealing: await secretIn(box, theirs, 'sealed-secrets/sealed-secrets-key-regrow', 'tls.key'),
  kopia: await secretIn(box, theirs, 'velero/velero-repo-credentials', 'repository-password'),
}

t.test(
  'a server’s disk makes administrators; what they find opens the backups, and not the kit',
  async (t) => {
    t.ok(await opensCluster(box, theirs))
    t.equal(settings(server)['agent-token'], kitOf('main').agentToken)
    t.match(settings(server).token, kitOf('main').serverToken)
    t.same(await opened(box, found.velero), ['velero'])
    const grants = [{ bucket: '', permission: 'fullaccess' }]
    t.equal(await asked(box, found.cloud, 'POST spaces/keys', { name: 'x', grants }), 403)
  },
)

t.test('an agent’s disk has the agent token alone', async (t) => {
  t.notOk(existsSync(join(agent, 'tls')), 'no authority')
  t.match(settings(agent).token, kitOf('main').agentToken)
  t.notMatch(readFileSync(join(agent, 'config.yaml'), 'utf8'), kitOf('main').serverToken)
})

t.test('the backup from before comes back under another name, and nothing of the old opens it', async (t) => {
  hands.deleteToken('dop_v1_csi')
  hands.makeToken('dop_v1_csi_2', scopes)
  box.env.REGROW_CSI_TOKEN = 'dop_v1_csi_2'
  const restored = await shop.restore('--backup', 'before', '--as', 'copy', '--with-apps')
  t.equal(restored.code, 0, restored.err)
  t.match(JSON.parse(restored.out), { verdict: /^PROVEN/ })
  const grownAnew = await box.run('bootstrap.mts', ['--name', 'copy', '--yes'])
  t.equal(grownAnew.code, 0, grownAnew.err)
  const gone = await box.run('scripts/destroy.mts', ['--yes', ...confirmed()])
  t.equal(gone.code, 0, gone.err)

  const copy = join(box.dir, '.sandbox', 'kubeconfig-copy.yaml')
  t.ok(await opensCluster(box, copy))
  t.notOk(await opensCluster(box, await administratorAt(copy, authority)), 'its authority')
  const [before, now] = [kitOf('main'), kitOf('copy')]
  for (const which of ['serverToken', 'agentToken'] as const) t.not(now[which], before[which], which)
  t.not(now.authorities.serviceKey, before.authorities.serviceKey, 'what signs the tokens of pods')
  t.same(await opened(box, found.velero, 'copy'), [], 'Velero’s key')
  t.equal(await asked(box, found.cloud, 'GET volumes'), 401, 'the token that lay in it, which was deleted')
  t.not(now.deploy.publicKey, before.deploy.publicKey, 'the deploy key')
  const keys = await speak(
    box.env.REGROW_GITHUB_URL,
    box.env.GITHUB_TOKEN,
    'GET',
    '/repos/bob/regrow-copy/keys',
  )
  t.notMatch(JSON.stringify(keys), before.deploy.publicKey.split(' ')[1])

  t.equal(now.sealing.key, found.sealing, 'what opens SealedSecrets stays the same')
  t.equal(now.kopiaPassword, found.kopia, 'and what opens the volumes in the backups')
  t.match(found.deploy, before.deploy.privateKey.trim().slice(0, 40))

  t.match(
    await shop.kubectl(`--kubeconfig ${copy} get statefulset hello -n hello -o jsonpath={.spec.replicas}`),
    '1',
  )
  const taken = await box.run('scripts/backup.mts', ['--name', 'copy', '--backup', 'afterwards'])
  t.equal(taken.code, 0, taken.err)
})
