import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { z } from 'zod'
import { controlPlaneOf } from './control-plane.ts'
import { kubectl } from './kubectl.ts'
import { lacking } from './parts.ts'

// REAL: kube-apiserver with the audit policy and the admission configuration that a server's bundle brings along.

const skip =
  lacking('etcd', 'kube-apiserver') ||
  (!process.env.REGROW_TOOLS && 'REGROW_TOOLS does not say where kubectl is')

const entry = z.object({
  level: z.string(),
  verb: z.string(),
  user: z.object({ username: z.string() }),
  objectRef: z
    .object({ resource: z.string(), name: z.string().optional(), namespace: z.string().optional() })
    .optional(),
  annotations: z.record(z.string(), z.string()).default({}),
})

t.test('the API server takes our policies', { skip, timeout: 180_000 }, async (t) => {
  const { kubeconfig, folder } = await controlPlaneOf(t)
  const pod = (namespace: string) =>
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'wild', namespace },
      spec: {
        automountServiceAccountToken: false,
        containers: [{ name: 'one', image: 'none', securityContext: { privileged: true } }],
      },
    })
  for (const namespace of ['default', 'kube-system'])
    await kubectl(kubeconfig, ['create', 'serviceaccount', 'default', '-n', namespace])
  const made = await kubectl(kubeconfig, ['apply', '-f', '-'], pod('default'))
  t.equal(made.code, 0, made.err)
  t.match(made.err, 'would violate PodSecurity "baseline:latest": privileged', 'made, with a warning')
  const exempt = await kubectl(kubeconfig, ['apply', '-f', '-'], pod('kube-system'))
  t.equal(exempt.code, 0, exempt.err)
  t.notMatch(exempt.err, 'PodSecurity', 'the platform is exempt')
  const label = 'pod-security.kubernetes.io/enforce=baseline'
  await kubectl(kubeconfig, ['create', 'namespace', 'strict'])
  await kubectl(kubeconfig, ['label', 'namespace', 'strict', label])
  await kubectl(kubeconfig, ['create', 'serviceaccount', 'default', '-n', 'strict'])
  const refused = await kubectl(kubeconfig, ['apply', '-f', '-'], pod('strict'))
  t.match(refused.err, 'violates PodSecurity "baseline:latest": privileged', 'a namespace may ask for more')
  await kubectl(kubeconfig, ['create', 'secret', 'generic', 'key', '--from-literal=word=opensesame'])
  await kubectl(kubeconfig, ['get', 'secret', 'key'])
  await kubectl(kubeconfig, ['get', 'configmaps'])

  const log = join(folder, 'logs', 'audit.log')
  for (let tries = 0; tries < 50 && !existsSync(log); tries++) await sleep(100)
  await sleep(500)
  t.equal(statSync(log).mode & 0o777, 0o600)
  const text = readFileSync(log, 'utf8')
  const entries = text
    .trim()
    .split('\n')
    .map((line) => entry.parse(JSON.parse(line)))
  const of = (verb: string, resource: string, name?: string) =>
    entries.filter(
      (one) =>
        one.verb === verb && one.objectRef?.resource === resource && (!name || one.objectRef.name === name),
    )
  t.match(of('create', 'pods').find((one) => one.objectRef?.namespace === 'default')?.annotations, {
    'pod-security.kubernetes.io/audit-violations': /privileged/,
  })
  t.equal(of('create', 'secrets', 'key')[0]?.user.username, 'regrow-operator')
  t.equal(of('get', 'secrets', 'key').length, 1, 'who read it is told, too')
  t.same(of('list', 'configmaps'), [], 'other reading is not')
  t.notOk(
    entries.some(({ user }) => user.username === 'system:apiserver'),
    'nor what Kubernetes does by itself',
  )
  t.ok(entries.every(({ level }) => level === 'Metadata'))
  t.notMatch(text, /opensesame|b3BlbnNlc2FtZQ/, 'no content')
})

t.test('whoever makes an object does not choose its UID', { skip, timeout: 180_000 }, async (t) => {
  const { kubeconfig } = await controlPlaneOf(t)
  const uid = '11111111-2222-4333-8444-555555555555'
  const definition = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'backups.velero.io' },
    spec: {
      ...{ group: 'velero.io', scope: 'Namespaced', names: { plural: 'backups', kind: 'Backup' } },
      versions: [
        {
          ...{ name: 'v1', served: true, storage: true },
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        },
      ],
    },
  }
  // As Velero makes one of a folder that it finds in the bucket.
  const found = {
    apiVersion: 'velero.io/v1',
    kind: 'Backup',
    metadata: { name: 'evil', namespace: 'default', uid, creationTimestamp: '2026-11-23T03:00:00Z' },
    status: { phase: 'Completed' },
  }
  const made = await kubectl(kubeconfig, ['create', '-f', '-'], JSON.stringify(definition))
  t.equal(made.code, 0, made.err)
  await kubectl(kubeconfig, ['wait', '--for=condition=Established', 'crd/backups.velero.io', '--timeout=30s'])
  const synced = await kubectl(kubeconfig, ['create', '-f', '-'], JSON.stringify(found))
  t.equal(synced.code, 0, synced.err)
  const seen = await kubectl(kubeconfig, ['get', 'backups.velero.io', 'evil', '-o', 'json'])
  const { metadata } = z
    .object({ metadata: z.object({ uid: z.string(), creationTimestamp: z.string() }) })
    .parse(JSON.parse(seen.out))
  t.match(metadata.uid, /^[0-9a-f]{8}-/)
  t.not(metadata.uid, uid)
  t.not(metadata.creationTimestamp, found.metadata.creationTimestamp)
})
