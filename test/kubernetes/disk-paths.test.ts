import t from 'tap'
import { diskPaths } from '../../lib/kubernetes/disk-paths.ts'

/** A pod that mounts a folder of its machine. */
const pod = (
  path: string,
  { type, ...mount }: { type?: string; readOnly?: boolean; name?: string } = {},
) => ({
  volumes: [{ name: 'data', hostPath: { path, ...(type ? { type } : {}) } }],
  containers: [{ name: 'main', volumeMounts: [{ name: 'data', mountPath: '/data', ...mount }] }],
})

t.test('a folder that a pod may write to may hold what nobody else has', async (t) => {
  for (const path of [
    '/srv/shop',
    '/data',
    '/var/lib/shop',
    '/var/lib/longhorn',
    '/opt/db',
    '/home/erin',
    '/mnt/a',
  ])
    t.same(diskPaths(pod(path)), [path])
  const { containers: initContainers, volumes } = pod('/srv/shop')
  t.same(diskPaths({ volumes, initContainers }), ['/srv/shop'], 'an init container fills it')
  const twice = pod('/srv/shop')
  t.same(diskPaths({ ...twice, volumes: [...twice.volumes, ...twice.volumes] }), ['/srv/shop'], 'each once')
})

t.test('what belongs to the system, is only read or holds no files is nobody’s data', async (t) => {
  const system = [
    '/',
    '/dev',
    '/sys/fs/cgroup',
    '/var/log',
    '/var/run/docker.sock',
    '/var/lib/kubelet/plugins',
  ]
  for (const path of [
    ...system,
    '/run/k3s',
    '/etc/cni/net.d',
    '/var/lib/rancher/k3s',
    '/var/lib/regrow/convert',
  ])
    t.same(diskPaths(pod(path)), [], path)
  t.same(diskPaths(pod('/srv/shop', { readOnly: true })), [])
  t.same(diskPaths(pod('/srv/shop', { name: 'another' })), [], 'nothing mounts it')
  t.same(diskPaths(pod('/srv/a.sock', { type: 'Socket' })), [])
  t.same(diskPaths({ volumes: [{ name: 'a', emptyDir: {} }], containers: [{ name: 'main' }] }), [])
  t.same(diskPaths(undefined), [])
})
