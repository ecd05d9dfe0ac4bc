import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { makeClusterAuthorities } from '#cloud-init/certificates.ts'
import type { World } from '../../../sandbox/world.ts'
import { run } from '../../sandbox/tools-ground.ts'
import { startControlPlane, tlsName } from './control-plane.ts'
import { installKinds, kindParts } from './kinds.ts'
import { kubectl } from './kubectl.ts'
import { lacking, partFolder } from './parts.ts'

/** Why the real Velero cannot be played against; false when all is there. */
export const lacksVelero = (): string | false =>
  lacking('etcd', 'kube-apiserver', 'velero-plugin-for-aws', ...kindParts) ||
  (!process.env.REGROW_TOOLS && 'REGROW_TOOLS does not say where velero is')

/** The real Velero, its server beside a real API server, on the bucket `regrow-b` of a box. */
export async function startVelero(t: Test, { addresses }: World, mode: 'ReadOnly' | 'ReadWrite') {
  const host = addresses.host(220, 1)
  const own = mkdtempSync(join(tmpdir(), 'regrow-parts-'))
  const { kubeconfig, processes } = await startControlPlane({
    folder: own,
    authorities: await makeClusterAuthorities({ now: new Date() }),
    ...{ host, port: addresses.apiPort, names: [tlsName] },
  })
  t.teardown(async () => {
    await processes.stop()
    rmSync(own, { recursive: true, force: true })
  })
  const kube = async (...words: string[]) => {
    const { code, out, err } = await kubectl(kubeconfig, words)
    if (code !== 0) throw new Error(err)
    return out
  }
  const velero = async (...words: string[]) => {
    const env = { KUBECONFIG: kubeconfig, HOME: own }
    const { code, out, err } = await run(process.env.REGROW_TOOLS ?? '', ['velero', ...words], env)
    t.equal(code, 0, `velero ${words.join(' ')}: ${err}`)
    return out
  }
  await installKinds(kubeconfig)
  await kube('create', 'namespace', 'velero')
  // A restore looks at the server's own Deployment; the server itself runs beside the cluster.
  await kube('create', 'deployment', 'velero', '-n', 'velero', '--image=none', '--replicas=0')
  const key = join(own, 'key')
  writeFileSync(key, '[default]\naws_access_key_id=KEY\naws_secret_access_key=secret\n')
  processes.start(
    'velero',
    join(process.env.REGROW_TOOLS ?? '', 'velero'),
    [
      ...['server', '--features=EnableCSI', '--plugin-dir', partFolder('velero-plugin-for-aws')],
      ...['--metrics-address', `${host}:8085`, '--profiler-address', `${host}:6060`],
    ],
    {
      cwd: own,
      env: {
        ...{ PATH: process.env.PATH, HOME: own, KUBECONFIG: kubeconfig },
        ...{ VELERO_NAMESPACE: 'velero', VELERO_SCRATCH_DIR: own, AWS_SHARED_CREDENTIALS_FILE: key },
      },
    },
  )
  const { spaces } = addresses
  const s3 = `region=fra1,s3ForcePathStyle=true,s3Url=http://${spaces.host}:${spaces.port},checksumAlgorithm=`
  const where = ['--provider', 'aws', '--bucket', 'regrow-b', '--access-mode', mode, '--config', s3]
  await velero('backup-location', 'create', 'default', '--default', ...where)
  return { kube, velero, kubeconfig, tail: () => processes.tail('velero') }
}
