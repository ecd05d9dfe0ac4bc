import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { inspect } from 'node:util'
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { Decrypter } from 'age-encryption'
import { load } from 'js-yaml'
import t from 'tap'
import { z } from 'zod'
import { Secret } from '../../../lib/base/secret.ts'
import { connectDigitalOcean } from '../../../lib/clients/digitalocean.ts'
import { connectGitHub } from '../../../lib/clients/github.ts'
import { connectStore } from '../../../lib/clients/s3.ts'
import { confirmed, openTestBox } from '../../flows/box.ts'
import { attempt } from '../../input/attempt.ts'

// Every secret that a SIMULATED cluster's life makes or receives is known here, and looked for where none may be.

const box = await openTestBox(t)
const kept = mkdtempSync(join(box.dir, 'kept-'))
const [home, temporary] = [join(box.dir, 'home'), join(box.dir, 'tmp')]
for (const folder of [home, temporary]) mkdirSync(folder)
const passphrase = 'correct horse "battery"/staple+'
const csi = 'dop_v1_narrow7c1f0be2'
const wrong = 'dop_v1_wrong5d0c71aa'
box.behave({ digitalocean: { tokens: { [csi]: ['.'] } } })

// Tools as the flows call them: what they are told, what doctl answers (a key's secret, once), and what others on this
// machine could read meanwhile is noted before the real stand-in goes on; but for what tsx keeps of our own code.
for (const tool of ['doctl', 'kubectl', 'helm', 'velero']) {
  const script = `#!/bin/sh
printf '%s\\n' "$*" >> ${kept}/arguments
find ${home} ${temporary} -type d ! -perm -001 -prune -o -name 'tsx-*' -prune -o -type f -perm /044 -exec cat {} + >> ${kept}/readable 2>&1
${join(box.env.REGROW_TOOLS ?? '', tool)} "$@" > ${kept}/answer.$$
code=$?
[ ${tool} = doctl ] && cat ${kept}/answer.$$ >> ${kept}/answers
cat ${kept}/answer.$$
rm ${kept}/answer.$$
exit $code
`
  mkdirSync(join(box.dir, 'bin'), { recursive: true })
  chmodSync(box.file(`bin/${tool}`, script), 0o755)
}
const env = {
  HOME: home,
  TMPDIR: temporary,
  REGROW_TOOLS: join(box.dir, 'bin'),
  REGROW_PASSPHRASE: passphrase,
  REGROW_CSI_TOKEN: csi,
  DEBUG: '1',
}

/** Everything that runs printed. */
let said = ''
const bootstrap = await box.run('bootstrap.mts', ['--verbose'], { env })
said += bootstrap.out + bootstrap.err
t.equal(bootstrap.code, 0, bootstrap.err)

const spaces = join(box.dir, '.sandbox', 'spaces')
const kitBucket = readdirSync(spaces).find((one) => one.endsWith('-kit')) ?? ''
/** What machines were told and what they reported, while they were there. */
let machines = ''
lookAtMachines()

await t.test('the rest of its life: backed up, grown, shrunk, removed, restored', async (t) => {
  for (const [script, words] of [
    ['scripts/backup.mts', ['--backup', 'whole', '--verbose']],
    ['scale.mts', ['--add', '1', '--verbose']],
    ['scale.mts', ['--remove', 'main-2', '--verbose', '--json']],
    ['scripts/destroy.mts', ['--verbose', '--json', ...confirmed()]],
    ['restore.mts', ['--backup', 'whole', '--verbose', '--json']],
  ] as const) {
    const ended = await box.run(script, [...words], { env })
    t.equal(ended.code, 0, ended.err)
    said += ended.out + ended.err
    lookAtMachines()
  }
})
const secrets = await everySecret()

t.test('runs that fail, told in full', async (t) => {
  // In this process, whose own work folder stays until it ends.
  const more = { ...env, TMPDIR: process.env.TMPDIR, XDG_RUNTIME_DIR: kept }
  const failing: [string, string[], Record<string, string | undefined>, object?][] = [
    ['bootstrap.mts', ['--verbose'], { DIGITALOCEAN_TOKEN: wrong, GITHUB_TOKEN: wrong }],
    ['bootstrap.mts', ['--verbose'], { REGROW_CSI_TOKEN: wrong }],
    ['bootstrap.mts', ['--verbose', '--json'], { REGROW_PASSPHRASE: 'another one' }],
    ['scripts/kubeconfig.mts', ['--verbose'], { REGROW_PASSPHRASE: undefined }],
    ['scripts/status.mts', ['--verbose'], {}, { forbidden: ['POST /v2/spaces/keys'] }],
    ['scripts/kubeconfig.mts', ['--output', '/dev/null/x'], {}],
    ['bootstrap.mts', [], { DIGITALOCEAN_TOKEN: `${wrong} ${wrong}` }],
  ]
  for (const [script, words, given, behaviour = {}] of failing) {
    box.behave({ digitalocean: { tokens: { [csi]: ['.'] }, ...behaviour } })
    const ended = await attempt(box, script, words, { ...more, ...given })
    t.equal(ended.code > 0, true, `${script} ${words.join(' ')}`)
    said += ended.out + ended.err
  }
  box.behave({ digitalocean: { tokens: { [csi]: ['.'] } } })
  for (const [script, words] of [
    ['scripts/status.mts', ['--verbose', '--json']],
    ['bootstrap.mts', ['--dry-run', '--verbose']],
    ['scripts/destroy.mts', ['--dry-run']],
  ] as const) {
    const ended = await attempt(box, script, words, more)
    t.equal(ended.code, 0, ended.err)
    said += ended.out + ended.err
  }
})

t.test(
  'no secret in what was printed, told to tools, sent as user-data, committed or left behind',
  async (t) => {
    const cloud = box.world('digitalocean') as { droplets: { userData: string }[] }
    t.match(cloud.droplets[0]?.userData, /^#cloud-config/)
    const repository = join(box.dir, '.sandbox', 'github', 'bob', 'regrow-main.git')
    const history = execFileSync('git', ['cat-file', '--batch-all-objects', '--batch'], {
      cwd: repository,
      maxBuffer: 1 << 26,
    }).toString('latin1')
    t.match(history, 'clusters/main')
    for (const one of ['nodes/main-1/k3s', 'nodes/main-2/k3s', 'nodes/main-3/k3s'])
      t.match(machines, one, `what ${one.slice(6, 12)} reported was looked at`)
    const places = {
      'standard output and error': said,
      'argument lists': read('arguments'),
      'files that others may read': read('readable'),
      'droplets, their user-data and metadata, their reports': machines,
      'the history of the repository': history,
      'addresses of requests': readFileSync(join(box.dir, '.sandbox', 'requests.jsonl'), 'utf8'),
    }
    t.match(places['argument lists'], 'compute droplet create main-1')
    for (const [place, text] of Object.entries(places))
      t.same(
        [...secrets]
          .filter(([, value]) => formsOf(value).some((form) => text.includes(form)))
          .map(([name]) => name),
        [],
        place,
      )
    for (const place of ['standard output and error', 'argument lists'] as const)
      t.notMatch(places[place], /X-Amz-Signature=[0-9a-f]/, `no signature in ${place}`)
    t.same(
      readdirSync(temporary).filter((name) => !name.startsWith('tsx-')),
      [],
      'no temporary file',
    )
    t.same(
      readdirSync(home, { recursive: true, encoding: 'utf8' }).filter(
        (name) => !['.cache', join('.cache', 'regrow')].includes(name),
      ),
      [],
      'the folder of work folders is empty',
    )
    t.equal(statSync(join(box.dir, '.sandbox', 'kubeconfig-main.yaml')).mode & 0o777, 0o600)
  },
)

t.test('this test finds a secret where there is one', async (t) => {
  t.ok(secrets.size >= 24, `${secrets.size} secrets are known`)
  for (const [name, value] of secrets) {
    const inside = `a${value}b`
    for (const text of [
      inside,
      encodeURIComponent(inside),
      JSON.stringify(inside),
      Buffer.from(inside).toString('hex'),
      ...[0, 1, 2].map((n) => Buffer.from('x'.repeat(n) + inside).toString('base64')),
    ])
      if (!formsOf(value).some((form) => text.includes(form))) t.fail(`${name} was not found in ${text}`)
  }
})

t.test('the key in the cluster opens the backups and not the kit', async (t) => {
  const words = ['get', 'secrets', '-n', 'velero', '-o', 'json']
  const found = await box.run('kubectl', words)
  const all = z.object({ items: z.array(z.object({ data: z.record(z.string(), z.string()).optional() })) })
  const files = all
    .parse(JSON.parse(found.out))
    .items.flatMap((one) => Object.values(one.data ?? {}))
    .map((one) => Buffer.from(one, 'base64').toString())
  const [, accessKeyId = '', secretAccessKey = ''] =
    /aws_access_key_id *= *(\S+)\s+aws_secret_access_key *= *(\S+)/.exec(files.join('\n')) ?? []
  t.ok([...secrets.values()].includes(secretAccessKey), 'it is one that was minted')
  const client = new S3Client({
    endpoint: box.env.AWS_ENDPOINT_URL ?? '',
    region: 'fra1',
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId, secretAccessKey },
  })
  t.teardown(() => client.destroy())
  const backups = kitBucket.replace(/-kit$/, '-velero')
  const kit = { Bucket: kitBucket, Key: 'kit.json.age' }
  const refused = {
    list: () => client.send(new ListObjectsV2Command({ Bucket: kitBucket })),
    read: () => client.send(new GetObjectCommand(kit)),
    look: () => client.send(new HeadObjectCommand(kit)),
    write: () => client.send(new PutObjectCommand({ ...kit, Body: 'mine' })),
    remove: () => client.send(new DeleteObjectCommand(kit)),
    'copy out': () =>
      client.send(
        new CopyObjectCommand({ Bucket: backups, Key: 'kit', CopySource: `${kitBucket}/kit.json.age` }),
      ),
  }
  for (const [what, work] of Object.entries(refused)) {
    const status = await work().then(
      () => 200,
      (error: { $metadata?: { httpStatusCode?: number } }) => error.$metadata?.httpStatusCode,
    )
    t.equal(status, 403, what)
  }
  const own = await client.send(new ListObjectsV2Command({ Bucket: backups }))
  t.ok(own.Contents?.some((one) => one.Key?.startsWith('backups/main-first/')))
})

t.test('no secret in an error, however it is printed', async (t) => {
  let answer: { status: number; body: string } | undefined
  const server = createServer((_, response) => {
    if (!answer) return void response.destroy()
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  t.teardown(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const token = new Secret(wrong)
  const [cloud, github, store] = await Promise.all([
    connectDigitalOcean(url, token),
    connectGitHub(url, token),
    connectStore(url, 'fra1', { accessKey: 'AK', secretKey: token }),
  ])
  const answers = [401, 403, 404, 422].map((status) => ({ status, body: '{"message": "no"}' }))
  for (const one of [...answers, { status: 200, body: '{"odd": true}' }, { status: 200, body: 'no JSON' }]) {
    answer = one
    const asked = [
      cloud.account(),
      github.user(),
      github.createRepository('x'),
      store.bucket('b').put('k', 'v'),
    ]
    for (const [at, end] of (await Promise.allSettled(asked)).entries()) {
      if (end.status === 'fulfilled') continue
      const printed = inspect(end.reason, { depth: null, showHidden: true, showProxy: true })
      for (const form of formsOf(wrong)) t.notOk(printed.includes(form), `${at} ${one.status}: ${printed}`)
      t.ok(printed.length > 20)
    }
  }
})

/** What everything private is, by name. */
async function everySecret(): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  const add = (name: string, value: unknown): void => {
    if (typeof value === 'string') found.set(name, value)
    else if (value && typeof value === 'object')
      for (const [key, one] of Object.entries(value)) add(`${name}.${key}`, one)
  }
  add('passphrase', passphrase)
  add('tokens', { csi, wrong, github: box.env.GITHUB_TOKEN, cloud: box.env.DIGITALOCEAN_TOKEN })
  const decrypter = new Decrypter()
  decrypter.addPassphrase(passphrase)
  const text = await decrypter.decrypt(readFileSync(join(spaces, kitBucket, 'kit.json.age@')), 'text')
  const kit = z.looseObject({ authorities: z.record(z.string(), z.unknown()) }).parse(JSON.parse(text))
  const { version: _, cluster: __, createdAt: ___, ...rest } = kit
  add('kit', rest)
  const kubeconfig = load(readFileSync(join(box.dir, '.sandbox', 'kubeconfig-main.yaml'), 'utf8'))
  const { users } = z
    .object({ users: z.array(z.object({ user: z.looseObject({ 'client-key-data': z.string() }) })) })
    .parse(kubeconfig)
  add('operator', Buffer.from(users[0]?.user['client-key-data'] ?? '', 'base64').toString())
  for (const [at, [, secret]] of [...read('answers').matchAll(/"secret_key": *"([^"]+)"/g)].entries())
    add(`Spaces key ${at}`, secret)
  // What is public: certificates, the halves of key pairs that are shown, a time.
  for (const [name, value] of found)
    if (/CERTIFICATE|^ssh-|^ecdsa-|^\d{4}-/.test(value) || /publicKey|passwordAt/.test(name))
      found.delete(name)
  return found
}

/** How a secret may look: as it is, a PEM's lines alone, escaped, and in hex or base64, there also inside more text. */
function formsOf(value: string): string[] {
  const bytes = Buffer.from(value)
  // Inside a longer text the first and last characters of base64 depend on the neighbours.
  const inside = [0, 1, 2].map((n) =>
    Buffer.concat([Buffer.alloc(n), bytes])
      .toString('base64')
      .slice(n === 0 ? 0 : 4, -4),
  )
  const lines = value.split('\n').filter((line) => line.length >= 40)
  return [
    value,
    ...lines,
    encodeURIComponent(value),
    JSON.stringify(value).slice(1, -1),
    bytes.toString('hex'),
    ...inside,
  ]
}

/** Notes the droplets as the cloud keeps them, and every report that lies beside the kit. */
function lookAtMachines(): void {
  const reports = readdirSync(join(spaces, kitBucket), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.startsWith('nodes/') && name.endsWith('@'))
    .map((name) => `${name} ${readFileSync(join(spaces, kitBucket, name), 'utf8')}`)
  const { droplets } = box.world('digitalocean') as { droplets: unknown[] }
  machines += [JSON.stringify(droplets), ...reports].join('\n')
}

function read(name: string): string {
  const file = join(kept, name)
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}
