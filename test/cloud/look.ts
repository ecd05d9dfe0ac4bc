import { parts } from '../../lib/cluster/versions.ts'

/** What a machine said of itself. */
export interface Look {
  /** One word or line for each thing asked. */
  values: ReadonlyMap<string, string>
  /** Its programs, those of one name together. */
  programs: readonly Program[]
  /** Its containers, by the id that the kubelet gives them. */
  containers: readonly Contained[]
}

/** Memory in MiB: the most since it started, what is its own, what lies in swap. */
interface Program {
  name: string
  peak: number
  own: number
  swap: number
}

/** Memory of a container in MiB: now, the most since it started, and the most in swap. */
interface Contained {
  id: string
  now: number
  peak: number
  swap: number
}

/** Whether a value was told. @throws Error where the machine said nothing of it */
export function toldOf({ values }: Look, name: string): string {
  const value = values.get(name)
  if (value === undefined) throw new Error(`the machine said nothing of ${name}`)
  return value
}

/**
 * What the machine runs on itself, in its own namespaces: nothing is changed, but that its config drive is mounted for a
 * moment. Lines of words parted by tabs; no address of the outside and no secret is among them.
 */
export const onTheMachine = `
say() { printf '%s\\t%s\\n' "$1" "$2"; }
say firewall "$(command -v nft >/dev/null && echo nft || { command -v iptables >/dev/null && echo iptables; } || echo none)"
say python3 "$(command -v python3 >/dev/null && echo there || echo none)"
say resolver "$(readlink -f /etc/resolv.conf)"
say swap "$(awk 'NR > 1 { sum += $3 } END { print int(sum / 1024) }' /proc/swaps)"
say memory "$(awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo)"
say available "$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)"
say readahead "$(cat /sys/block/vda/queue/read_ahead_kb 2>/dev/null || echo none)"
say clock "$(timedatectl show -p NTPSynchronized --value 2>/dev/null || echo unknown)"
say upgrades "$(dpkg-query -W -f '\${Status}' unattended-upgrades 2>/dev/null | grep -q 'ok installed' && echo there || echo none)"
say inhibit "$(busctl get-property org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager InhibitDelayMaxUSec 2>/dev/null | awk '{ print int($2 / 1000000) }')"
say kubelet-lock "$(systemd-inhibit --list --no-legend 2>/dev/null | grep -c kubelet)"
say ufw "$(command -v ufw >/dev/null && ufw status | head -n 1 || echo none)"
say oom "$(journalctl -k -b --no-pager 2>/dev/null | grep -c 'oom-kill')"
say datasource "$(sed -n 's/.*"datasource": "\\([A-Za-z0-9]*\\).*/\\1/p' /var/lib/cloud/data/result.json | head -n 1)"
say private "$(ip -o -4 address show | awk '$2 == "eth1" { print $2 }')"
say anchor "$(ip -o -4 address show dev eth0 2>/dev/null | grep -c ' 10\\.')"
say audit "$([ -s /var/lib/rancher/k3s/server/logs/audit.log ] && echo written || echo none)"
say containerd-limit "$(tr '\\0' '\\n' < /proc/$(pgrep -o -x containerd)/environ | sed -n 's/^GOMEMLIMIT=//p')"
at=$(mktemp -d)
if mount -o ro /dev/disk/by-label/config-2 "$at" 2>/dev/null; then
  say drive "$(cd "$at" && find . -type f | sort | tr '\\n' ' ')"
  data=$(cat "$at/openstack/latest/network_data.json" "$at/digitalocean_meta_data.json" 2>/dev/null | tr -d ' \\n')
  case $data in *'"routes":[{'*) say routes routes ;; *'"gateway":'*) say routes gateway ;; *) say routes neither ;; esac
  umount "$at"
else
  say drive none
  say routes 'no drive'
fi
rmdir "$at"
for one in /proc/[0-9]*; do
  awk -v OFS='\\t' '/^Name/ { n = $2 } /^VmHWM/ { h = $2 } /^RssAnon/ { a = $2 } /^VmSwap/ { s = $2 } END { if (h) print "program", n, h, a, s }' "$one/status" 2>/dev/null
done
find /sys/fs/cgroup -path '*kubepods*' -name 'cri-containerd-*.scope' | while read -r one; do
  id=$(basename "$one" .scope)
  printf 'container\\t%s\\t%s\\t%s\\t%s\\n' "\${id#cri-containerd-}" "$(cat "$one/memory.current")" "$(cat "$one/memory.peak" 2>/dev/null || echo 0)" "$(cat "$one/memory.swap.peak" 2>/dev/null || echo 0)"
done
say end here
`

/** What a pod without rights sees of the metadata service, then what the machine says. */
const inThePod = `
if wget -q -T 5 -O /dev/null http://169.254.169.254/metadata/v1/id; then printf 'metadata\\topen\\n'; else printf 'metadata\\tclosed\\n'; fi
exec nsenter -t 1 -m -u -i -n -p -- sh -c "$LOOK"
`

/** A name that no flow uses. */
export const lookPod = 'first-contact-look'

/** A pod in kube-system, where privileged ones are allowed, that looks at the machine and ends. */
export const lookManifest = (node: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: lookPod, namespace: 'kube-system' },
  spec: {
    nodeName: node,
    restartPolicy: 'Never',
    hostPID: true,
    containers: [
      {
        name: 'look',
        image: `docker.io/library/busybox:${parts.busybox.version}`,
        imagePullPolicy: 'IfNotPresent',
        command: ['sh', '-c', inThePod],
        env: [{ name: 'LOOK', value: onTheMachine }],
        securityContext: { privileged: true },
        resources: { limits: { memory: '128Mi' } },
      },
    ],
  },
})

const mib = (count: number, unit: number) => Math.round((count * unit) / 1024 / 102.4) / 10

/** Reads what such a pod wrote. @throws Error where it is not whole */
export function parseLook(text: string): Look {
  const lines = text.split('\n').map((line) => line.split('\t'))
  const values = new Map<string, string>()
  const programs = new Map<string, Program>()
  const containers: Contained[] = []
  for (const [key = '', first = '', ...rest] of lines) {
    const [a = 0, b = 0, c = 0] = rest.map(Number)
    if (key === 'container') containers.push({ id: first, now: mib(a, 1), peak: mib(b, 1), swap: mib(c, 1) })
    else if (key === 'program') {
      const known = programs.get(first) ?? { name: first, peak: 0, own: 0, swap: 0 }
      const sum = (before: number, kib: number) => Math.round((before + mib(kib, 1024)) * 10) / 10
      programs.set(first, {
        name: first,
        peak: sum(known.peak, a),
        own: sum(known.own, b),
        swap: sum(known.swap, c),
      })
    } else if (key) values.set(key, first.trim())
  }
  if (values.get('end') !== 'here') throw new Error('the machine’s words are not whole')
  return { values, programs: [...programs.values()], containers }
}
