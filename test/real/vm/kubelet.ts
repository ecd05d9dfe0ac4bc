import type { Test } from 'tap'
import { renderKubeletConfig } from '#cloud-init/k3s.ts'
import type { Ground } from './ground.ts'

/** Where k3s' kubelet takes its settings from (https://docs.k3s.io/installation/configuration#kubelet-configuration-files). */
const folder = '/var/lib/rancher/k3s/agent/etc/kubelet.conf.d'

/** What the kubelet shall say about itself: it writes a minute as `1m0s`. */
export const wished = {
  failSwapOn: false,
  memorySwap: { swapBehavior: 'LimitedSwap' },
  shutdownGracePeriod: '1m0s',
  shutdownGracePeriodCriticalPods: '20s',
  evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '5%', 'imagefs.available': '5%' },
  systemReserved: { memory: '150Mi' },
  enforceNodeAllocatable: ['none'],
  streamingConnectionIdleTimeout: '30m0s',
}

// What k3s would tell it in a file of its own, which comes before ours: here only what lets it stand alone, and the periods
// of k3s' own that ours has to win against. `failSwapOn` is left out, so that ours is what decides.
const alone = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: 127.0.0.1
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
cgroupDriver: systemd
containerRuntimeEndpoint: unix:///run/alone/runtime
shutdownGracePeriod: 0s
shutdownGracePeriodCriticalPods: 0s
`

const kubelet = (folder: string) =>
  `/run/k3s-standin/kubelet --config-dir=${folder} --root-dir=/run/alone/kubelet --cert-dir=/run/alone/certificates`

const runtime = '/run/k3s-standin/fake-runtime unix:///run/alone/runtime'

/**
 * The real kubelet is started where the bundle left its settings, and asked what it took from them. It stands alone: it
 * knows no API server, so that it does not take the node from kwok, and its container runtime is a fake that runs nothing.
 * A misspelt field in such a file is passed over without a word, so only this shows that ours are spelt right.
 */
export async function kubeletAlone(t: Test, { machines }: Ground, name: string): Promise<void> {
  const look = async (command: string) => (await machines.ask(name, command)) ?? 'no answer'
  const place = (path: string, text: string) =>
    look(`mkdir -p $(dirname ${path}); base64 -d >${path} <<<${Buffer.from(text).toString('base64')}`)
  const started = async (folder: string) => {
    await look(`systemd-run -q --collect --unit=kubelet-alone ${kubelet(folder)}`)
    const said = await look(patient('curl -skf https://127.0.0.1:10250/configz'))
    if (!said.startsWith('{')) throw new Error(await look('journalctl -n 20 -u kubelet-alone'))
    return JSON.parse(said).kubeletconfig
  }
  const locks = 'systemd-inhibit --list --no-legend'

  t.equal(
    await look(`cat ${folder}/10-regrow.conf`),
    renderKubeletConfig({ role: name === 'main-1' ? 'first-server' : 'agent' }),
    'the file is the one of the bundle',
  )
  await place(`${folder}/00-k3s-defaults.conf`, alone)
  await look(`mkdir -p /run/alone; systemd-run -q --collect --unit=runtime-alone ${runtime}`)

  await place('/run/alone/without/00-k3s-defaults.conf', alone)
  const refusal = await look(`timeout 120 ${kubelet('/run/alone/without')} 2>&1 | tail -n 1`)
  t.match(refusal, 'running with swap on is not supported', 'without ours it refuses to run beside swap')
  await place('/run/alone/without/00-k3s-defaults.conf', `${alone}failSwapOn: false\n`)
  const without = await started('/run/alone/without')
  t.notOk(without.memorySwap.swapBehavior, 'and where it need not, no pod would swap')
  t.equal(without.shutdownGracePeriod, '0s', 'none be given time to stop')
  t.equal(await look(`sleep 10; ${locks}`), '', 'and nothing holds a shutdown up')
  await look('systemctl stop kubelet-alone')

  t.match(await started(folder), wished, 'with ours it says what we wish for')
  t.match(
    await look(patient(`${locks} | grep kubelet`)),
    /^kubelet +0 +root +\d+ kubelet +shutdown .* delay\n$/,
    'and it holds a shutdown up',
  )
  t.equal(
    await look(
      'busctl get-property org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager InhibitDelayMaxUSec',
    ),
    't 90000000\n',
    'for which the machine gives it the time, whatever unattended-upgrades says',
  )
  await look(`systemctl stop kubelet-alone runtime-alone; rm ${folder}/00-k3s-defaults.conf`)
}

/** Tries once a second for two minutes. */
const patient = (command: string) => `for i in {1..120}; do ${command} && break; sleep 1; done`
