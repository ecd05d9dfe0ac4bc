import { type Mutant, mutant } from '../mutant.ts'

/** What is written to the repository, and what Argo CD makes of it. */
export const git: readonly Mutant[] = [
  mutant(
    'Velero comes before the disks',
    'manifests/clusters/cluster/velero.yaml.hbs',
    'sync-wave: "-5"',
    'sync-wave: "-30"',
    'gitops/repository',
  ),
  mutant(
    'the storage location stays read-only for ever',
    'manifests/clusters/cluster/platform/backups/location.yaml.hbs',
    'accessMode: ReadWrite',
    'accessMode: ReadOnly',
    'gitops/repository',
  ),
  mutant(
    'a claim goes when its file leaves Git',
    'manifests/clusters/cluster/apps/hello/namespace.yaml.hbs',
    'argocd.argoproj.io/sync-options: Prune=false,Delete=false',
    'argocd.argoproj.io/sync-options: Prune=true',
    'gitops/repository',
  ),
  mutant(
    'Argo CD may delete every claim that leaves Git',
    'manifests/clusters/cluster/platform/backups/deletions.yaml.hbs',
    'resources: [namespaces, persistentvolumeclaims]',
    'resources: [namespaces]',
    'sandbox/cluster-argocd-rules',
  ),
  mutant(
    'one workload that is not healthy holds every removal back',
    'manifests/clusters/cluster/apps.yaml.hbs',
    '      - ServerSideApply=true\n',
    '      - ServerSideApply=true\n      - PruneLast=true\n',
    'gitops/repository',
  ),
  mutant(
    'a first server takes Argo CD’s settings from the package instead of Git',
    'lib/gitops/in-git.ts',
    'return { ...release, values }',
    'return release',
    'gitops/in-git',
  ),
  mutant(
    'Velero may take what the machine does not have',
    'manifests/clusters/cluster/platform/velero/values.yaml.hbs',
    'limits: { memory: 160Mi }',
    'limits: { memory: 1600Mi }',
    'gitops/memory',
  ),
  mutant(
    'a person’s push is written over',
    'lib/gitops/commit.ts',
    'const files = await filesFor(head)',
    "const files = await filesFor('c1')",
    'gitops/commit',
  ),
  mutant(
    'a person’s edit is overwritten',
    'lib/gitops/drift.ts',
    "return { path, kind: theirs === undefined ? 'removed' : 'edited' }",
    "return { path, kind: 'ours' }",
    'gitops/drift',
  ),
  mutant(
    'a file that was there before is taken for ours',
    'lib/gitops/drift.ts',
    "return theirs === undefined || last !== undefined || path === 'README.md'",
    'return path.length > 0 || theirs === last',
    'gitops/drift',
  ),
  mutant(
    'a claim is deleted because its file left Git',
    'manifests/storage/pvc.yaml.hbs',
    'Prune=false,Delete=false',
    'Prune=true',
    'gitops/repository',
  ),
]
