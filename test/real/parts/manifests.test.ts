import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dump } from 'js-yaml'
import t, { type Test } from 'tap'
import { bootstrapSecrets } from '../../../lib/gitops/bootstrap-secrets.ts'
import { renderRepository } from '../../../lib/gitops/render.ts'
import type { RepositoryValues } from '../../../lib/gitops/schema.ts'
import { sealSecrets } from '../../../lib/gitops/sealing.ts'
import { makeSealingKey } from '../../../lib/store/sealing-key.ts'
import { ordinary } from '../../gitops/fixture.ts'
import { type Answer, run } from '../../sandbox/tools-ground.ts'
import { controlPlaneOf } from './control-plane.ts'
import { installKinds, kindParts } from './kinds.ts'
import { get, type KubeObject, kubectl } from './kubectl.ts'
import { lacking, partFolder } from './parts.ts'

// REAL: etcd, kube-apiserver with upstream's own kinds, kubectl, helm. Nothing is scheduled, nothing runs.

const skip =
  lacking('etcd', 'kube-apiserver', ...kindParts) ||
  (!process.env.REGROW_TOOLS && 'REGROW_TOOLS does not say where kubectl is')

const { domain: _, acmeEmail: __, address: ___, ...plain } = ordinary
const variants: Record<string, RepositoryValues> = {
  'with a domain, volumes copied': ordinary,
  'without a domain': plain,
  'volumes as snapshots, another store': {
    ...plain,
    backups: { schedule: '0 */6 * * *', ttl: '1h', volumes: 'snapshot' },
    bucket: { name: 'b', region: 'eu-central-003', endpoint: 'https://s3.eu-central-003.backblazeb2.com/' },
  },
  'a long name': { ...ordinary, cluster: 'abcdefghij-klmnopqrs', tag: 'regrow:abcdefghij-klmnopqrs' },
}

t.test(
  'what the real API server says of every object that is rendered',
  { skip, timeout: 600_000 },
  async (t) => {
    const { kubeconfig } = await controlPlaneOf(t)
    await installKinds(kubeconfig)
    const sealing = await makeSealingKey({ now: new Date() })
    const secrets = bootstrapSecrets({
      sshUrl: 'git@github.com:alice/regrow-main.git',
      deployKey: 'key',
      digitalOcean: { token: 'token', isNarrower: true },
      velero: { accessKey: 'id', secretKey: 'secret' },
      kopiaPassword: 'password',
      sealing: { certificate: sealing.certificate, key: sealing.key },
      argocd: { serverSecret: 'secret', passwordHash: '$2b$10$hash', passwordAt: '2026-11-23T00:00:00Z' },
    })
    await applied(
      t,
      kubeconfig,
      'what the first server brings along',
      secrets.map((one) => dump(one)).join('---\n'),
    )

    // Argo CD makes this namespace: CreateNamespace=true in ingress.yaml.
    await kubectl(kubeconfig, ['create', 'namespace', 'ingress'])
    for (const [name, values] of Object.entries(variants))
      await t.test(name, async (t) => {
        const files = Object.entries(renderRepository(values)).filter(([path]) => isManifest(path))
        t.ok(files.length > 12)
        // Namespaces first, as Argo CD's waves have it.
        const text = files
          .sort(([a], [b]) => Number(b.includes('namespace')) - Number(a.includes('namespace')))
          .map(([, one]) => one)
          .join('\n---\n')
        await applied(t, kubeconfig, name, text)
        const before = await everything(kubeconfig)
        await applied(t, kubeconfig, `${name}, again`, text)
        const after = await everything(kubeconfig)
        t.same(after, before, 'applying it again changes nothing: no generation, no field, no owner')
      })

    await t.test('a sealed Secret', async (t) => {
      const sealed = sealSecrets(
        [
          {
            apiVersion: 'v1',
            kind: 'Secret',
            metadata: { name: 'db', namespace: 'hello' },
            data: { a: 'Yg==' },
          },
        ],
        sealing.certificate,
      )[0]
      await applied(t, kubeconfig, 'sealed', dump(sealed))
    })

    await t.test('the chart of sealed-secrets, by helm, with our values', async (t) => {
      const values = renderRepository(ordinary)['clusters/main/platform/sealed-secrets/values.yaml'] ?? ''
      const chart = join(partFolder('sealed-secrets'), 'chart')
      const words = ['helm', 'template', 'sealed-secrets', chart, '--namespace', 'sealed-secrets', '-f', '-']
      const rendered = await run(process.env.REGROW_TOOLS ?? '', words, { HOME: tmpdir() }, { input: values })
      t.equal(rendered.code, 0, rendered.err)
      t.match(rendered.out, /--key-renew-period\s+- "0"/, 'our values took effect')
      await applied(t, kubeconfig, 'sealed-secrets', rendered.out, ['-n', 'sealed-secrets'])
    })

    await t.test('what is wrong is refused, so that all of this means something', async (t) => {
      const location = renderRepository(ordinary)['clusters/main/platform/backups/location.yaml'] ?? ''
      const unknown = await apply(kubeconfig, location.replace('accessMode:', 'accesMode:'))
      t.match(unknown, { code: 1, err: /spec.accesMode: field not declared in schema/ })
      const invalid = await apply(kubeconfig, location.replace('ReadWrite', 'ReadSometimes'))
      t.match(invalid, { code: 1, err: /Unsupported value: "ReadSometimes"/ })
      const rival = await apply(kubeconfig, location.replace('ReadWrite', 'ReadOnly'), [
        '--field-manager=rival',
      ])
      t.match(
        rival,
        { code: 1, err: /conflict with "argocd-controller".*\n?.*accessMode/ },
        'owners are told',
      )
    })
  },
)

const isManifest = (path: string) =>
  path.endsWith('.yaml') && !/^extras\/|values\.yaml$|kustomization\.yaml$/.test(path)

/** Applies as the node and Argo CD do, strictly, and without taking anything from anybody. */
const apply = (kubeconfig: string, text: string, words: string[] = []): Promise<Answer> =>
  kubectl(
    kubeconfig,
    ['apply', '--server-side', '--validate=strict', '--field-manager=argocd-controller', ...words, '-f', '-'],
    text,
  )

async function applied(t: Test, kubeconfig: string, what: string, text: string, words: string[] = []) {
  const { code, err } = await apply(kubeconfig, text, words)
  t.equal(code, 0, `${what}: accepted, strictly, without a conflict\n${err}`)
  t.equal(err, '', `${what}: without a warning`)
}

/**
 * Everything of the kinds that are rendered, with generation and field owners. Resource versions are left out: the API
 * server gives a claim a new one at the second apply, whatever is in it.
 */
async function everything(kubeconfig: string): Promise<KubeObject[]> {
  const kinds =
    'applications,backupstoragelocations,schedules,storageclasses,volumesnapshotclasses,pvc,namespaces,statefulsets,services,ingresses,secrets'
  const found = await get(kubeconfig, [kinds, '-A'])
  return found.map((one) => ({ ...one, metadata: { ...one.metadata, resourceVersion: '' } }))
}

/** A control plane that knows upstream's kinds, on an address of its own. */
