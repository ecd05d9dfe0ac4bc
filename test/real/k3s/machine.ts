import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { type BundleSpec, type NodeSpec, renderBundle } from '#cloud-init/index.ts'
import { addresses, k3s, plugIn } from './ground.ts'

// A machine is a process namespace with a network and a disk of its own: this computer's files, over which everything that
// is written lies in memory. REAL: k3s, the node's scripts, network cards, nft. STOOD IN: systemd, by the script below,
// and the kubelet, by kubelet.ts: k3s runs with `disable-agent`, because its agent wants to govern this computer.

/** What came of a command on a machine. */
export interface Ended {
  code: number | null
  out: string
  err: string
}

/** Starts what ExecStart says and starts it again when it ends, as `Restart=always`. */
const systemctl = `#!/bin/bash
verb=$1
unit=\${*: -1}
unit=\${unit%.service}
state=/run/units/$unit
wanted=/etc/systemd/system/multi-user.target.wants/$unit.service
mkdir -p /run/units "\${wanted%/*}"
start() {
  [ ! -e "$state" ] || return 0
  token=$RANDOM$RANDOM
  echo $token >"$state"
  command=$(sed -n 's/^ExecStart=//p' "/etc/systemd/system/$unit.service")
  setsid bash -c "while [ \\"\\$(cat $state)\\" = $token ]; do $command; sleep 1; done" >>"/var/log/$unit.log" 2>&1 </dev/null &
}
stop() {
  rm -f "$state"
  local pid=$(pgrep -x "k3s|k3s-server" | head -n 1)
  [ -z "$pid" ] || kill $pid
  for ((n = 0; n < 300; n++)); do pgrep -x 'k3s|k3s-server' >/dev/null || return 0; sleep 0.1; done
  pkill -9 -x 'k3s|k3s-server'
}
case "$unit" in k3s) ;; *) exit 0 ;; esac
case "$verb" in
  start) start ;;
  stop) stop ;;
  enable) touch "$wanted" ;;
  disable) rm -f "$wanted"; case "$*" in *--now*) stop ;; esac ;;
  is-enabled) [ -e "$wanted" ] ;;
esac
`

/** Its disk: this computer's under one of memory. */
const disk = `set -e
mount --make-rprivate /
mount -t tmpfs none "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay none -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
cd "$1/root"
mount -t proc proc proc
mount -t sysfs sys sys
mount --rbind /dev dev
for one in run tmp var/log; do mount -t tmpfs none "$one"; done
mkdir -p usr/local/bin usr/local/sbin etc/systemd/system
rm -rf etc/rancher var/lib/rancher var/lib/regrow
touch usr/local/bin/k3s
mount --bind "$2" usr/local/bin/k3s
echo ready
exec chroot . bash -c 'while :; do sleep 3600 & wait; done'
`

/** A machine with a droplet's addresses. */
export class Machine {
  readonly at: ReturnType<typeof addresses>
  readonly #holder: ChildProcess
  readonly #folder: string
  readonly #pid: number

  private constructor(nth: number, holder: ChildProcess, folder: string, pid: number) {
    this.at = addresses(nth)
    this.#holder = holder
    this.#folder = folder
    this.#pid = pid
  }

  /** Makes the nth machine; it is gone when the test ends. */
  static async make(t: { teardown(end: () => void): unknown }, nth: number): Promise<Machine> {
    const folder = mkdtempSync(join(tmpdir(), 'regrow-k3s-'))
    const own = ['--mount', '--pid', '--net', '--uts', '--fork', '--kill-child']
    const words = ['--pdeathsig', 'KILL', 'unshare', ...own, 'bash', '-c', disk, 'disk', folder, k3s]
    const holder = spawn('setpriv', words, { stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    for (const stream of [holder.stdout, holder.stderr]) stream.on('data', (chunk) => (said += chunk))
    for (let tries = 0; !said.includes('ready\n'); tries++) {
      if (tries > 200 || holder.exitCode !== null) throw new Error(`no machine could be made: ${said}`)
      await sleep(50)
    }
    const pid = Number(readFileSync(`/proc/${holder.pid}/task/${holder.pid}/children`, 'utf8').trim())
    plugIn(nth, pid)
    const machine = new Machine(nth, holder, folder, pid)
    t.teardown(() => machine.#end())
    await machine.write('/usr/local/sbin/systemctl', systemctl, 0o755)
    return machine
  }

  /** Runs a command there, with a text as its input. */
  async run(
    words: string[],
    input: string | Uint8Array = '',
    env: Record<string, string> = {},
  ): Promise<Ended> {
    const enter = [
      '-t',
      String(this.#pid),
      '-m',
      '-p',
      '-n',
      '-u',
      `-r/proc/${this.#pid}/root`,
      'env',
      '-C',
      '/',
    ]
    const child = spawn('nsenter', [...enter, ...words], {
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', ...env },
    })
    let [out, err] = ['', '']
    child.stdout.on('data', (chunk) => (out += chunk))
    child.stderr.on('data', (chunk) => (err += chunk))
    child.stdin.on('error', () => {}).end(input)
    return new Promise((resolve) => child.once('close', (code) => resolve({ code, out, err })))
  }

  /** What a line of bash prints. @throws Error where it fails */
  async bash(line: string): Promise<string> {
    const { code, out, err } = await this.run(['bash', '-c', line])
    if (code !== 0) throw new Error(`${line} ended with ${code}: ${err}`)
    return out.trim()
  }

  async write(path: string, text: string, mode = 0o600): Promise<void> {
    const line = 'mkdir -p "$(dirname "$1")" && cat >"$1" && chmod "$2" "$1"'
    const { code, err } = await this.run(['bash', '-c', line, 'write', path, mode.toString(8)], text)
    if (code !== 0) throw new Error(`${path} cannot be written: ${err}`)
  }

  /** Opens a node's bundle on its disk, with the digest of the k3s that is there. */
  async unpack(wish: BundleSpec): Promise<void> {
    const node: NodeSpec = { ...wish.node, k3s: { ...wish.node.k3s, sha256: await digest() } }
    const KEY = 'k'.repeat(22)
    const { bytes } = await renderBundle({ ...wish, node }, KEY)
    const open = 'openssl aes-256-ctr -d -pbkdf2 -pass env:KEY | tar -xzC /var/lib/regrow/bundle'
    const line = `set -o pipefail; mkdir -p /var/lib/regrow/bundle && ${open}`
    const { code, err } = await this.run(['bash', '-c', line], bytes, { KEY })
    if (code !== 0) throw new Error(`the bundle cannot be opened: ${err}`)
  }

  /** Runs a script of the bundle. */
  script(words: string[], env: Record<string, string> = {}): Promise<Ended> {
    const [name, ...more] = words
    return this.run([`/var/lib/regrow/bundle/${name}`, ...more], '', { REGROW_PAUSE: '0.5', ...env })
  }

  /** Takes the step that installs and starts k3s, which ends when the node is Ready. */
  install(): Promise<Ended> {
    return this.script(['steps/k3s.sh'])
  }

  kubectl(words: string[], input = ''): Promise<Ended> {
    return this.run(['k3s', 'kubectl', ...words], input)
  }

  /** Ends everything that runs there at once, and what lies in `/run`. */
  async cut(): Promise<void> {
    await this.run(['bash', '-c', 'kill -9 -1; true'])
    await this.bash('rm -rf /run/units /run/k3s /run/regrow')
  }

  /** What systemd starts at a boot: k3s where it is enabled, then the conversion where one is wished for. */
  async boot(env: Record<string, string> = {}): Promise<Ended | undefined> {
    await this.bash('! systemctl is-enabled k3s || systemctl start k3s')
    const wanted = await this.bash('[ ! -e /var/lib/regrow/convert/wanted ] || echo yes')
    return wanted ? this.script(['run', 'convert'], env) : undefined
  }

  #end(): void {
    this.#holder.kill('SIGKILL')
    execFileSync('sh', ['-c', `while kill -0 ${this.#pid} 2>/dev/null; do sleep 0.05; done`])
    if (existsSync(this.#folder)) rmSync(this.#folder, { recursive: true })
  }
}

let known: string | undefined

async function digest(): Promise<string> {
  if (known) return known
  const hash = createHash('sha256')
  await pipeline(createReadStream(k3s), hash)
  known = hash.digest('hex')
  return known
}
