import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { load } from 'js-yaml'
import t from 'tap'
import { z } from 'zod'
import { narrowness, specification } from '../../lib/backup/take/specification.ts'
import { everything, noise, passedOver, unboundClaims } from '../../lib/cluster/backup-rules.ts'
import { versionsOf } from '../../lib/cluster/versions.ts'
import {
  argocdRelease,
  platformApplication,
  renderRepository,
  rootApplication,
} from '../../lib/gitops/render.ts'
import { bare, documents, file, leaves, ordinary, patches, type Tree } from './fixture.ts'

interface Application {
  metadata: { name: string; annotations: Record<string, string> }
  spec: Tree & {
    source?: Source
    sources?: Source[]
    syncPolicy: { automated: Tree; retry: Tree; syncOptions: string[] }
  }
}
interface Source {
  repoURL: string
  chart?: string
  ref?: string
  path?: string
  targetRevision: string
  directory?: { include?: string; exclude?: string }
  helm?: { valueFiles: string[] }
}

const applications = (values = ordinary) =>
  documents(values)
    .filter(({ tree }) => tree.kind === 'Application')
    .map(({ tree }) => tree as unknown as Application)
const sourcesOf = ({ spec }: Application) => spec.sources ?? (spec.source ? [spec.source] : [])

t.test('the files are the ones that the design names, and the same each time', async (t) => {
  t.same(Object.keys(renderRepository(ordinary)), [
    'README.md',
    'applications/app-of-apps.yaml',
    'applications/platform.yaml',
    'clusters/main/apps.yaml',
    'clusters/main/apps/README.md',
    'clusters/main/apps/hello/ingress.yaml',
    'clusters/main/apps/hello/namespace.yaml',
    'clusters/main/apps/hello/workload.yaml',
    'clusters/main/argocd.yaml',
    'clusters/main/backups.yaml',
    'clusters/main/csi-driver.yaml',
    'clusters/main/ingress.yaml',
    'clusters/main/platform/argocd/values.yaml',
    'clusters/main/platform/backups/deletions.yaml',
    'clusters/main/platform/backups/location.yaml',
    'clusters/main/platform/backups/network-policy.yaml',
    'clusters/main/platform/backups/schedules.yaml',
    'clusters/main/platform/backups/unbound-claims.yaml',
    'clusters/main/platform/csi-driver/kustomization.yaml',
    'clusters/main/platform/ingress/certificates.yaml',
    'clusters/main/platform/ingress/network-policy.yaml',
    'clusters/main/platform/ingress/values.yaml',
    'clusters/main/platform/sealed-secrets/values.yaml',
    'clusters/main/platform/velero/values.yaml',
    'clusters/main/sealed-secrets.yaml',
    'clusters/main/velero.yaml',
    'extras/rehearse.yaml',
    'storage/classes.yaml',
    'storage/pvc.yaml',
  ])
  t.same(renderRepository(ordinary), renderRepository(structuredClone(ordinary)))
})

t.test(
  'every Application heals itself, takes the next commit after one that is refused, and is compared by the server',
  async (t) => {
    const argocd = file(ordinary, 'clusters/main/platform/argocd/values.yaml')
    t.match(argocd, { configs: { params: { 'controller.diff.server.side': 'true' } } })
    for (const values of [ordinary, bare])
      for (const one of applications(values)) {
        const { metadata, spec } = one
        const { automated, retry, syncOptions } = spec.syncPolicy
        const empty = metadata.name === 'apps' ? { allowEmpty: true } : {}
        t.same(automated, { prune: true, selfHeal: true, ...empty }, metadata.name)
        // A chart’s version is pinned for as long as its sync is retried, so that its limit is what lets the next commit in.
        const limit = sourcesOf(one).some(({ chart }) => chart) ? 20 : -1
        const backoff = { duration: '10s', factor: 2, maxDuration: '3m' }
        t.same(retry, { limit, refresh: true, backoff }, metadata.name)
        t.ok(syncOptions.includes('ServerSideApply=true'), metadata.name)
        t.ok(syncOptions.includes('SkipDryRunOnMissingResource=true'), metadata.name)
        t.notOk(
          syncOptions.includes('PruneLast=true'),
          `${metadata.name}: or one ill workload holds a removal back`,
        )
        // Root and platform are brought by nobody who would sort them.
        if (!/^(root|platform)$/.test(metadata.name))
          t.match(metadata.annotations['argocd.argoproj.io/sync-wave'], /^-?\d+$/)
        t.match(spec, { project: 'default', destination: { server: 'https://kubernetes.default.svc' } })
      }
  },
)

t.test('the samples for a chart and a kustomization are Applications like the others', async (t) => {
  const readme = renderRepository(ordinary)['clusters/main/apps/README.md'] ?? ''
  const samples = [...readme.matchAll(/```yaml\n(.*?)```/gs)].map(
    ([, text]) => load(text ?? '') as Application,
  )
  t.same(
    samples.map((one) => sourcesOf(one).map(({ chart, path }) => chart ?? path)),
    [['podinfo'], ['clusters/main/kustomize/shop']],
  )
  for (const { spec, metadata } of samples) {
    const { syncPolicy } = spec
    t.match(syncPolicy.automated, { prune: true, selfHeal: true }, metadata.name)
    t.match(syncPolicy.retry, { refresh: true, limit: spec.source?.chart ? 20 : -1 }, metadata.name)
    for (const option of ['CreateNamespace=true', 'ServerSideApply=true'])
      t.ok(syncPolicy.syncOptions.includes(option), `${metadata.name}: ${option}`)
  }
})

t.test('a commit elsewhere does not have an Application rendered anew', async (t) => {
  const key = 'argocd.argoproj.io/manifest-generate-paths'
  for (const one of applications()) {
    const sources = sourcesOf(one)
    // Argo CD compares its own folders alone: with values of another source it would miss their change (`state.go`, 3.2.5).
    const isWhole = sources.every(({ path, chart, ref }) => path && !chart && !ref)
    t.equal(one.metadata.annotations[key], isWhole ? '.' : undefined, one.metadata.name)
    for (const { path = '' } of isWhole ? sources : [])
      for (const [file, text] of Object.entries(renderRepository(ordinary)))
        if (file === `${path}/kustomization.yaml`) t.notMatch(text, /\.\.\//, `${file} reads nothing outside`)
  }
})

t.test('platform and root share the Applications between them; nobody reads cluster.yaml', async (t) => {
  const folders = applications()
    .flatMap(sourcesOf)
    .filter(({ path }) => path === 'clusters/main')
  const there = Object.keys(renderRepository(ordinary)).filter((path) => /^clusters\/main\/[^/]+$/.test(path))
  // One that the owner puts beside them is brought as well.
  for (const file of [...there, 'clusters/main/monitoring.yaml'])
    t.equal(
      folders.filter((source) => reads(source, file)).length,
      file.endsWith('/cluster.yaml') ? 0 : 1,
      file,
    )
  const storage = applications()
    .flatMap(sourcesOf)
    .filter(({ path }) => path === 'storage')
  for (const file of ['pvc.yaml', 'classes.yaml', 'database.yaml'])
    t.equal(storage.filter((source) => reads(source, `storage/${file}`)).length, 1, `storage/${file}`)
  for (const source of applications().flatMap(sourcesOf).filter(isFolder))
    t.notOk(reads(source, 'clusters/main/cluster.yaml'), `${source.path} leaves cluster.yaml alone`)
  t.ok(reads({ path: 'clusters/main', repoURL: '', targetRevision: '' }, 'clusters/main/cluster.yaml'))
})

t.test('the data comes before the apps: disks before Velero, the storage location before them', async (t) => {
  const wave = Object.fromEntries(
    applications().map(({ metadata }) => [
      metadata.name,
      Number(metadata.annotations['argocd.argoproj.io/sync-wave']),
    ]),
  )
  const order = (...those: string[]) => {
    t.same(
      those.toSorted((one, other) => (wave[one] ?? 0) - (wave[other] ?? 0)),
      those,
    )
    t.equal(new Set(those.map((one) => wave[one])).size, those.length, 'no two at once')
  }
  order('sealed-secrets', 'csi-driver', 'velero')
  order('argocd', 'backups', 'ingress', 'apps')
})

t.test('charts take their values from this repository, by its address over SSH', async (t) => {
  const charts = applications().filter((one) => sourcesOf(one).some(({ chart }) => chart))
  t.equal(charts.length, 4)
  for (const one of charts) {
    const [chart, values, ...more] = sourcesOf(one)
    // Beside its chart Traefik has the claim for its certificates.
    t.same(
      more.map(({ path }) => path),
      one.metadata.name === 'ingress' ? ['clusters/main/platform/ingress'] : [],
    )
    t.same(values, { repoURL: ordinary.sshUrl, targetRevision: 'main', ref: 'values' })
    const [path = ''] = chart?.helm?.valueFiles ?? []
    t.ok(renderRepository(ordinary)[path.replace('$values/', '')], `${path} is there`)
  }
})

t.test('everything from elsewhere has an exact version', async (t) => {
  for (const values of [ordinary, bare]) {
    for (const source of applications(values).flatMap(sourcesOf))
      if (source.chart) t.match(source.targetRevision, /^\d+\.\d+\.\d+$/, source.chart)
      else
        t.same(
          [source.repoURL, source.targetRevision],
          [ordinary.sshUrl, 'main'],
          'the branch that regrow writes',
        )
    const images = documents(values)
      .flatMap(({ tree }) => leaves(tree))
      .filter(({ at, value }) => /(^|\.)image$/.test(at) && typeof value === 'string')
    t.ok(images.length > 0)
    const patched = patches(values).flatMap(({ ops }) => ops.filter(({ path }) => path.endsWith('/image')))
    for (const image of [...images.map(({ value }) => value), ...patched.map(({ value }) => value)])
      t.match(image, /:v?\d+\.\d+\.\d+(@sha256:[0-9a-f]{64})?$/)
    const { resources } = file(values, 'clusters/main/platform/csi-driver/kustomization.yaml')
    for (const address of resources as string[])
      t.match(
        address,
        /^https:\/\/raw\.githubusercontent\.com\/.*\/v4\.18\.0\/.*-v4\.18\.0\/[a-z-]+\.yaml$/,
        address,
      )
    const text = Object.values(renderRepository(values)).join('\n')
    t.notMatch(text, /\blatest\b.*:|:latest\b|\/(master|main)\/deploy/)
  }
})

t.test('kustomizations use only what the box can apply', async (t) => {
  const kustomization = file(ordinary, 'clusters/main/platform/csi-driver/kustomization.yaml')
  t.same(Object.keys(kustomization).sort(), ['apiVersion', 'kind', 'patches', 'resources'])
  for (const { name, ops } of patches(ordinary))
    for (const [index, { op, path }] of ops.entries()) {
      t.ok(['test', 'add', 'replace', 'remove'].includes(op), `${name} ${op}`)
      t.match(path, /^\/spec\/template\/spec\//)
      const container = /^.*ontainers\/\d+\//.exec(path)?.[0]
      const tested = ops.findIndex((one) => one.op === 'test' && one.path === `${container}name`)
      if (container) t.ok(tested >= 0 && tested <= index, `${name} knows whose ${path} it is`)
    }
  const controller = patches(ordinary).find(({ name }) => name === 'csi-do-controller')?.ops
  t.match(
    controller?.find(({ path }) => path.endsWith('/hostNetwork')),
    { op: 'add', value: true },
  )
  t.match(
    controller?.find(({ path }) => path.endsWith('/args/-')),
    { value: '--do-tag=regrow:main' },
  )
})

t.test('the storage location is writable, and asks for no checksums that other stores refuse', async (t) => {
  t.match(file(ordinary, 'clusters/main/platform/backups/location.yaml'), {
    metadata: { name: 'default', namespace: 'velero' },
    spec: {
      accessMode: 'ReadWrite',
      default: true,
      objectStorage: { bucket: ordinary.bucket.name },
      config: { region: 'fra1', s3Url: 'https://fra1.digitaloceanspaces.com', checksumAlgorithm: '' },
    },
  })
})

t.test('schedules take everything but noise, and move volumes as the cluster wants it', async (t) => {
  const path = 'clusters/main/platform/backups/schedules.yaml'
  const template = {
    ttl: '720h0m0s',
    csiSnapshotTimeout: '25m0s',
    itemOperationTimeout: '24h0m0s',
    includeClusterResources: true,
    excludedResources: Object.keys(noise),
  }
  t.match(file(ordinary, path), { spec: { template: { ...template, snapshotMoveData: true } } })
  t.match(file(bare, path), { spec: { template: { ...template, snapshotMoveData: false } } })
  t.notOk(
    leaves(file(ordinary, path)).some(({ at }) => at.includes('included')),
    'nothing is selected by name',
  )
  const { spec } = z.object({ spec: z.object({ template: specification }) }).parse(file(ordinary, path))
  t.same(narrowness(spec.template), [], 'and what it makes is whole')
})

t.test(
  'Traefik asks again for a certificate that it could not get, and no domain asks for none',
  async (t) => {
    const path = 'clusters/main/platform/ingress/values.yaml'
    const values = file(ordinary, path)
    const { lifecycle } = z
      .object({
        deployment: z.object({
          lifecycle: z.object({
            postStart: z.object({ exec: z.object({ command: z.array(z.string()) }) }),
          }),
        }),
      })
      .parse(values).deployment
    const [, , script = ''] = lifecycle.postStart.exec.command
    const folder = t.testdir({})
    const words = ['-c', script.replace('sleep 900', 'sleep 1').replaceAll('/asked', folder)]
    const child = spawn('sh', words, { detached: true, stdio: 'ignore' })
    t.teardown(() => process.kill(-(child.pid ?? Number.NaN), 'SIGKILL'))
    const [code] = await once(child, 'exit')
    t.equal(code, 0, 'the hook ends at once: until then Traefik is not ready')
    const asked = async () => {
      for (let looks = 0; !existsSync(join(folder, 'again.yaml')) && looks < 100; looks++) await sleep(100)
      return readFileSync(join(folder, 'again.yaml'), 'utf8')
    }
    const first = await asked()
    t.match(load(first), { http: { middlewares: { asked: { headers: { customResponseHeaders: {} } } } } })
    rmSync(join(folder, 'again.yaml'))
    t.not(await asked(), first, 'each time with other settings')
    t.match(values, {
      additionalArguments: ['--providers.file.directory=/asked', '--providers.file.watch=true'],
    })
    t.notMatch(renderRepository(bare)[path], /asked/)
  },
)

t.test('Velero’s server and its plugin may do nothing that a person could not', async (t) => {
  const unprivileged = {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' },
  }
  t.match(file(ordinary, 'clusters/main/platform/velero/values.yaml'), {
    containerSecurityContext: unprivileged,
    initContainers: [{ name: 'velero-plugin-for-aws', securityContext: unprivileged }],
  })
})

t.test('a claim of a class that waits for its first pod is filled without one', async (t) => {
  const { configMaps } = z
    .object({ configMaps: z.object({ 'node-agent': z.object({ data: z.record(z.string(), z.string()) }) }) })
    .parse(file(ordinary, 'clusters/main/platform/velero/values.yaml'))
  // Else Velero waits for a pod ten minutes and gives up, and no workload comes back before its data.
  t.match(JSON.parse(configMaps['node-agent'].data['node-agent.json'] ?? ''), {
    restorePVC: { ignoreDelayBinding: true },
  })
})

t.test(
  'backups pass over claims without a volume, by a policy that Git brings with their schedule',
  async (t) => {
    const folder = 'clusters/main/platform/backups'
    const { metadata, data } = z
      .object({
        metadata: z.object({ name: z.string(), namespace: z.string() }),
        data: z.record(z.string(), z.string()),
      })
      .parse(file(ordinary, `${folder}/unbound-claims.yaml`))
    t.same(metadata, { name: unboundClaims, namespace: 'velero' })
    t.same(
      Object.values(data).map((text) => load(text)),
      [passedOver],
    )
    t.match(file(ordinary, `${folder}/schedules.yaml`), {
      spec: { template: { resourcePolicy: { kind: 'configmap', name: unboundClaims } } },
    })
    t.match(
      everything.join(' '),
      `--resource-policies-configmap ${unboundClaims}`,
      'a backup by hand names it, too',
    )
  },
)

t.test('certificates are kept on a disk where there is a domain, and only there', async (t) => {
  const path = 'clusters/main/platform/ingress/values.yaml'
  t.match(file(ordinary, path), {
    persistence: { enabled: true, existingClaim: 'traefik' },
    certificatesResolvers: { letsencrypt: { acme: { email: 'alice@example.org' } } },
  })
  const claim = 'clusters/main/platform/ingress/certificates.yaml'
  t.match(file(ordinary, claim), {
    metadata: { name: 'traefik', namespace: 'ingress' },
    spec: { resources: { requests: { storage: '1Gi' } } },
  })
  const bringsClaim = (values: typeof ordinary) =>
    applications(values)
      .flatMap(sourcesOf)
      .some((one) => one.path === 'clusters/main/platform/ingress' && reads(one, claim))
  t.ok(bringsClaim(ordinary))
  t.notOk(bringsClaim(bare))
  t.notOk(claim in renderRepository(bare))
  const { persistence, certificatesResolvers, ports } = file(bare, path)
  t.same({ persistence, certificatesResolvers }, { persistence: undefined, certificatesResolvers: undefined })
  t.match(ports, { websecure: { expose: { default: false } } })
  const { acmeEmail: _, ...withoutEmail } = ordinary
  t.notMatch(renderRepository(withoutEmail)[path], /email/)
})

t.test('in the platform’s namespaces nothing is reached but what is for others', async (t) => {
  const policies = {
    backups: { namespace: 'velero', rules: {} },
    ingress: {
      namespace: 'ingress',
      rules: { ingress: [{ ports: [8000, 8443].map((port) => ({ protocol: 'TCP', port })) }] },
    },
  }
  for (const values of [ordinary, bare])
    for (const [part, { namespace, rules }] of Object.entries(policies)) {
      const path = `clusters/main/platform/${part}/network-policy.yaml`
      const { kind, metadata, spec } = file(values, path)
      t.match({ kind, metadata }, { kind: 'NetworkPolicy', metadata: { namespace } })
      t.same(spec, { podSelector: {}, policyTypes: ['Ingress'], ...rules }, part)
      t.ok(
        applications(values)
          .flatMap(sourcesOf)
          .some((one) => one.path === `clusters/main/platform/${part}` && reads(one, path)),
        'an Application brings it',
      )
    }
  t.match(file(ordinary, 'clusters/main/platform/sealed-secrets/values.yaml'), {
    networkPolicy: { enabled: true },
  })
})

t.test('the sample answers under its name, or under any where there is no domain', async (t) => {
  const rules = (values = ordinary) =>
    (file(values, 'clusters/main/apps/hello/ingress.yaml').spec as { rules: Tree[] }).rules
  t.match(rules(), [{ host: 'hello.example.org' }])
  t.notOk(rules(bare)[0]?.host)
})

t.test('what holds data is never deleted because a file left Git', async (t) => {
  for (const path of [
    'storage/pvc.yaml',
    'clusters/main/apps/hello/namespace.yaml',
    'clusters/main/platform/ingress/certificates.yaml',
  ])
    t.match(file(ordinary, path), {
      metadata: {
        annotations: {
          'argocd.argoproj.io/sync-options': 'Prune=false,Delete=false',
          'argocd.argoproj.io/compare-options': 'IgnoreExtraneous',
        },
      },
    })
})

t.test('Argo CD is rendered on the operator’s machine from what its own Application names', async (t) => {
  const release = argocdRelease(ordinary)
  const application = applications().find(({ metadata }) => metadata.name === 'argocd')
  const [chart] = application ? sourcesOf(application) : []
  t.match(chart, { repoURL: release.repository, chart: release.chart, targetRevision: release.version })
  t.match(chart, { helm: { releaseName: release.release } })
  t.equal(
    application?.spec.destination && (application.spec.destination as Tree).namespace,
    release.namespace,
  )
  t.equal(release.values, renderRepository(ordinary)['clusters/main/platform/argocd/values.yaml'])
  t.equal(release.kubeVersion, 'v1.36.5')
})

t.test('Argo CD does not replace its own list of what it leaves alone: it adds to it', async (t) => {
  const { configs } = file(ordinary, 'clusters/main/platform/argocd/values.yaml') as {
    configs: { cm: Record<string, string>; secret: Tree }
  }
  const excluded = load(configs.cm['resource.exclusions'] ?? '') as { apiGroups: string[]; kinds: string[] }[]
  const kinds = excluded.flatMap((one) => one.kinds)
  for (const kind of ['Endpoints', 'Lease', 'TokenReview', 'CertificateSigningRequest', 'PolicyReport'])
    t.ok(kinds.includes(kind), `default: ${kind}`)
  for (const kind of ['Backup', 'DataUpload', 'DataDownload', 'VolumeSnapshot'])
    t.ok(kinds.includes(kind), kind)
  t.notOk(kinds.includes('Restore'), 'a restore’s health is watched')
  t.equal(configs.secret.createSecret, false)
})

t.test('the two first Applications are the ones in Git', async (t) => {
  const files = renderRepository(ordinary)
  t.equal(platformApplication(ordinary), files['applications/platform.yaml'])
  t.equal(rootApplication(ordinary), files['applications/app-of-apps.yaml'])
})

t.test('cluster.yaml overrides a version, and cannot name a part that there is not', async (t) => {
  const text = renderRepository({ ...ordinary, versions: { velero: '12.9.9' } })['clusters/main/velero.yaml']
  t.match(text, 'targetRevision: "12.9.9"')
  t.throws(() => versionsOf({ valero: '1.0.0' }), { message: /valero/, cure: /velero/ })
  for (const version of ['latest', 'v4', '12.x', '*', ''])
    t.throws(() => renderRepository({ ...ordinary, versions: { velero: version } }), { message: /versions/ })
})

function names(glob = ''): string[] {
  const [, list = '', ending = ''] = /^\{(.*)\}(\.yaml)$/.exec(glob) ?? []
  return list.split(',').map((one) => `${one}${ending}`)
}

const isFolder = (source: Source) => source.path !== undefined

/** Whether a directory source reads a file, with the two forms of globs that the manifests use. */
function reads({ path, directory }: Source, name: string): boolean {
  if (!name.startsWith(`${path}/`)) return false
  const rest = name.slice(`${path}/`.length)
  const fits = (glob: string) =>
    glob.startsWith('{') ? names(glob).includes(rest) : glob === rest || glob === '*.yaml'
  if (rest.includes('/') || (directory?.exclude && fits(directory.exclude))) return false
  return !directory?.include || fits(directory.include)
}

t.test('the rehearsal by GitHub lies where a token without the scope `workflow` may write', async (t) => {
  const path = 'extras/rehearse.yaml'
  t.notOk(Object.keys(renderRepository(ordinary)).some((one) => one.startsWith('.github')))
  const text = renderRepository(ordinary)[path] ?? ''
  t.match(text, 'copy it to .github/workflows/rehearse.yaml yourself')
  const { jobs, permissions } = load(text) as {
    jobs: { rehearse: { steps: { run?: string; env?: Record<string, string> }[] } }
    permissions: object
  }
  t.same(permissions, {})
  for (const [, action = ''] of text.matchAll(/uses: (\S+)/g)) t.match(action, /^[\w/-]+@[0-9a-f]{40}$/)
  const [, ref = ''] = text.match(/ref: (\S+)/) ?? []
  t.equal(ref, 'COMMIT', 'nothing runs beside both tokens that nobody has read')
  t.match(text, 'npm ci --omit=dev --ignore-scripts')
  const last = jobs.rehearse.steps.at(-1)
  t.equal(last?.run, './scripts/rehearse.mts --name main --repo "$GITHUB_REPOSITORY" --yes')
  for (const secret of ['REGROW_GITHUB_TOKEN', 'REGROW_DIGITALOCEAN_TOKEN', 'REGROW_PASSPHRASE'])
    t.ok(Object.values(last?.env ?? {}).includes(`$\{{ secrets.${secret} }}`), secret)
})
