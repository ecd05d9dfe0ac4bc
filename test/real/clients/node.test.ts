import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import {
  authorityFiles,
  bundleFiles,
  makeCertificate,
  makeOperatorCertificate,
  makeSshKeyPair,
  renderCloudConfig,
  renderUserData,
} from '#cloud-init/index.ts'
import {
  agent,
  authorities,
  bundleWish,
  firstServer,
  secondServer,
  signedUrl,
} from '../../../cloud-init/test/sample.ts'

// REAL: other people's programs read what cloud-init/ renders. A program that is not here is skipped, and named.

const folder = mkdtempSync(join(tmpdir(), 'regrow-real-node-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))
const cloudInit = (process.env.REGROW_CLOUD_INIT ?? 'cloud-init').split(' ')

const needs = (...programs: string[]) => {
  const absent = programs.filter((name) => spawnSync('which', [name]).status !== 0)
  return { skip: absent.length > 0 && `NOT WITNESSED: ${absent.join(', ')} is not installed here` }
}

function write(name: string, text: string, mode = 0o600): string {
  const file = join(folder, name)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text, { mode })
  return file
}

function say(program: string, args: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  return { status, output: `${stdout}${stderr}` }
}

const userData = renderUserData({
  name: 'main-1',
  bundleUrl: signedUrl('bundles/main-1.tar.gz'),
  bundleSha256: 'ab'.repeat(32),
  bundleKey: 'k'.repeat(22),
  startedUrl: signedUrl('nodes/main-1/started.json', 'PutObject'),
})

t.test('shellcheck has nothing to say about the node scripts', needs('shellcheck'), async (t) => {
  const scripts = Object.entries(bundleFiles(bundleWish(firstServer))).filter(([name]) =>
    /^run$|\.sh$/.test(name),
  )
  const files = scripts.map(([name, { text }]) => write(`scripts/${name}`, text))
  files.push(
    write(
      'scripts/regrow',
      userData.split('content: |\n')[1]?.split('\n- path')[0]?.replace(/^ {4}/gm, '') ?? '',
    ),
  )
  t.equal(files.length, 8)
  const { status, output } = say('shellcheck', ['-x', '-P', 'SCRIPTDIR', ...files])
  t.equal(status, 0, output)
})

t.test('ssh-keygen reads the key pair', needs('ssh-keygen'), async (t) => {
  const { publicKey, privateKey } = makeSshKeyPair('main@regrow')
  const { output } = say('ssh-keygen', ['-y', '-f', write('id', privateKey)])
  t.equal(output.trim(), publicKey)
})

t.test('openssl verifies the certificates, each by its own authority only', needs('openssl'), async (t) => {
  const now = new Date()
  for (const [path, text] of Object.entries(authorityFiles(authorities))) write(`tls/${path}`, text)
  const operator = await makeOperatorCertificate(authorities, { now })
  const server = await makeCertificate(authorities.server, {
    now,
    name: 'api',
    usage: 'server',
    names: ['a.example'],
  })
  const verify = (ca: string, purpose: string, cert: string) =>
    say('openssl', [
      'verify',
      '-purpose',
      purpose,
      '-CAfile',
      join(folder, `tls/${ca}-ca.crt`),
      write('cert', cert),
    ]).status
  t.equal(verify('client', 'sslclient', operator.cert), 0)
  t.not(verify('client', 'sslserver', operator.cert), 0, 'a client is no server')
  t.not(verify('server', 'sslclient', operator.cert), 0, 'another authority')
  t.equal(verify('server', 'sslserver', server.cert), 0)
  for (const key of ['server-ca.key', 'etcd/peer-ca.key', 'service.key'])
    t.equal(say('openssl', ['pkey', '-noout', '-in', join(folder, 'tls', key)]).status, 0, key)
})

t.test('cloud-init finds user-data and any cloud-config valid', needs(cloudInit[0] ?? ''), async (t) => {
  const schema = (name: string, text: string) => {
    const [program = '', ...args] = cloudInit
    return say(program, [...args, 'schema', '--config-file', write(`${name}.yaml`, text)])
  }
  t.comment(say(cloudInit[0] ?? '', [...cloudInit.slice(1), '--version']).output.trim())
  const any = renderCloudConfig({
    hostname: 'mail',
    timezone: 'Europe/Berlin',
    users: [
      {
        name: 'ada',
        sshKeys: ['ssh-ed25519 AAAA ada'],
        groups: ['adm'],
        sudo: 'ALL=(ALL) ALL',
        shell: '/bin/sh',
      },
    ],
    sshKeys: ['ssh-ed25519 AAAA ada'],
    packageUpdate: true,
    packages: ['postfix'],
    files: [{ path: '/etc/a', content: 'yes', mode: '0640', owner: 'root:adm' }],
    units: [{ name: 'a.service', content: '[Service]\nExecStart=/bin/true\n' }],
    commands: [['touch', '/x'], 'echo done'],
  })
  for (const [name, text] of [
    ['user-data', userData],
    ['any', any],
  ] as const) {
    const { status, output } = schema(name, text)
    t.equal(status, 0, output)
    t.match(output, /Valid/)
  }
  t.not(schema('wrong', '#cloud-config\nwrite_files: {}\n').status, 0, 'it can say no')
})

t.test('python compiles what the node runs of it', needs('python3'), async (t) => {
  const text = bundleFiles(bundleWish(agent))['report.py']?.text ?? ''
  t.equal(say('python3', ['-m', 'py_compile', write('report.py', text)]).status, 0)
})

t.test('systemd finds nothing wrong with the units', needs('systemd-analyze'), async (t) => {
  for (const spec of [firstServer, secondServer, agent])
    for (const [name, { text }] of Object.entries(bundleFiles(bundleWish(spec))))
      if (/\.(service|path)$/.test(name)) {
        // The programs that the units start are not on this machine; whether they are there is not the question.
        const file = write(
          `units-${spec.role}/${name.split('/').at(-1)}`,
          text.replace(/^(Exec\w+=-?)\S+/gm, '$1/bin/true'),
        )
        t.notMatch(
          say('systemd-analyze', ['verify', file]).output,
          new RegExp(`${name.split('/').at(-1)}:\\d+`),
          name,
        )
      }
})

// Two network namespaces: this one plays the node, the other a pod and then a process of the node's own network.
const namespaces = `set -eu
ip link set lo up
ip addr add 169.254.169.254/32 dev lo
unshare -n sleep 30 & other=$!
sleep 0.3
ip link add node0 type veth peer name pod0
ip link set pod0 netns $other
ip addr add 10.42.0.1/24 dev node0
ip addr add 10.110.0.1/24 dev node0
ip link set node0 up
inside() { nsenter -t $other -n "$@"; }
inside ip addr add 10.42.0.5/24 dev pod0
inside ip addr add 10.110.0.5/24 dev pod0
inside ip link set pod0 up
inside ip route add 169.254.169.254 via 10.42.0.1
python3 -m http.server 80 --bind 169.254.169.254 --directory /proc/sys/kernel/random >/dev/null 2>&1 & server=$!
sleep 1
ask() { inside curl -s -o /dev/null -m 1 --interface "$1" http://169.254.169.254/ && echo "$2 yes" || echo "$2 no"; }
ask 10.42.0.5 before
bash "$1" 10.42.0.0/16
bash "$1" 10.42.0.0/16
ask 10.42.0.5 pod
ask 10.110.0.5 node
kill $server $other
`

t.test(
  'the kernel drops what pods send to the metadata service, and nothing else',
  process.getuid?.() === 0
    ? needs('unshare', 'nsenter', 'ip', 'nft', 'curl', 'python3')
    : { skip: 'NOT WITNESSED: needs root' },
  async (t) => {
    const script = fileURLToPath(new URL('../../../cloud-init/metadata.sh', import.meta.url))
    const output = execFileSync('unshare', ['-n', 'bash', '-c', namespaces, 'bash', script], {
      encoding: 'utf8',
    })
    t.strictSame(output.trim().split('\n'), ['before yes', 'pod no', 'node yes'])
  },
)
