import type { Test } from 'tap'
import { ask } from './ask.ts'
import { api, operator, startFirst, until } from './cluster.ts'
import { maps, play, secret, wish } from './conversion.ts'
import type { Machine } from './machine.ts'

const db = '/var/lib/rancher/k3s/server/db'
const kept = '/etc/rancher /etc/systemd/system /var/lib/rancher /var/lib/regrow'

/**
 * Lets the power of a server go at each of these points of a conversion, and looks at what the next boot makes of it. What it
 * wrote before is on its disk: a cache that is lost is for test/real/vm.
 * @param points commands of the script before which it goes, as patterns; an empty one is while k3s moves the database
 * @param env of the script until then
 */
export async function goesAt(
  t: Test,
  points: Record<string, string>,
  env: Record<string, string> = {},
): Promise<void> {
  const machine = await startFirst(t)
  await play(20)
  const { uid } = (await api('/api/v1/namespaces/kube-system')).metadata
  await wish(machine)
  await machine.bash(`systemctl stop k3s && mkdir /tmp/kept && cp -a --parents ${kept} /tmp/kept`)
  for (const [point, command] of Object.entries(points))
    await t.test(point, async (t) => {
      await machine.cut()
      await machine.bash(`rm -rf ${kept} && cp -a /tmp/kept/* /`)
      await machine.boot({ ...env, ...(await powerGoes(machine, command)) })
      await machine.cut()
      t.comment(await machine.bash(`ls -d ${db}* ${db}/*`).catch(() => 'no database'))

      const since = performance.now()
      const ended = await machine.boot({ REGROW_AWAIT: '120' })
      const said = await machine.bash('cat /run/regrow/message || :')
      t.comment(`${Math.round((performance.now() - since) / 1000)} s after the boot: ${ended?.code}, ${said}`)
      await until('it answers', async () => (await ask(operator, '/readyz')).status === 200)
      await isWhole(t, uid)
      t.equal(
        await machine.bash('systemctl is-enabled k3s && echo yes || :'),
        'yes',
        'the next boot starts k3s',
      )
      t.equal(
        await machine.bash(`ls -d ${db}.new ${db}.old 2>/dev/null || :`),
        '',
        'nothing is left beside it',
      )

      if (await onEtcd(machine)) return
      await wish(machine)
      const { code, out, err } = await machine.script(['run', 'convert'])
      t.equal(code, 0, `asked again it is converted ${code === 0 ? '' : `${out}${err}`}`)
      await isWhole(t, uid)
      t.ok(await onEtcd(machine))
    })
}

/** @returns the environment in which a script loses its power before this command, or when k3s has begun with etcd */
async function powerGoes(machine: Machine, command: string): Promise<Record<string, string>> {
  const off = 'kill -9 -1; kill -9 $$'
  if (!command) {
    const begun = `[ -e ${db}/etcd/member/snap/db ]`
    void machine.run(['bash', '-c', `until ${begun}; do sleep 0.02; done; sleep 0.\${RANDOM:0:1}; ${off}`])
    return {}
  }
  const trap = `case \${0##*/} in convert.sh)
  set -T
  trap 'case $BASH_COMMAND in $REGROW_OFF) ${off} ;; esac' DEBUG ;;
esac`
  await machine.write('/root/off.sh', trap)
  return { BASH_ENV: '/root/off.sh', REGROW_OFF: command.replaceAll(/[[\]\\$"]/g, '\\$&') }
}

const onEtcd = async (machine: Machine) => (await machine.bash(`ls ${db}`)).includes('state.db.migrated')

async function isWhole(t: Test, uid: string): Promise<void> {
  t.equal((await api('/api/v1/namespaces/kube-system')).metadata.uid, uid, 'the same cluster')
  t.equal((await api<{ data: { word: string } }>(secret)).data.word, btoa('opensesame'), 'its Secret opens')
  const { data } = await api<{ data: { n: string } }>(`${maps}/map-0`)
  t.equal(data.n, '99', 'and what was written last is there')
}
