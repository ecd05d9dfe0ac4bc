import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { kubectl } from './kubectl.ts'
import { type PartName, partFolder } from './parts.ts'

/** The parts that bring upstream's own definitions of kinds. */
export const kindParts: PartName[] = ['argocd-kinds', 'velero-kinds', 'snapshot-kinds', 'sealed-secrets']

/** The folders with upstream's definitions of the kinds that a cluster has. */
const kindFolders = (): string[] => [
  join(partFolder('argocd-kinds'), 'crds'),
  join(partFolder('velero-kinds'), 'v1'),
  join(partFolder('velero-kinds'), 'v2alpha1'),
  join(partFolder('snapshot-kinds'), 'crds'),
  join(partFolder('sealed-secrets'), 'chart', 'crds'),
]

/** Applies them and waits until the API server knows each. @throws Error with what kubectl said */
export async function installKinds(kubeconfig: string): Promise<void> {
  const files = kindFolders().flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name !== 'kustomization.yaml')
      .flatMap((name) => ['-f', join(folder, name)]),
  )
  await done(kubeconfig, ['apply', '--server-side', ...files])
  await done(kubeconfig, ['wait', '--for=condition=Established', '--timeout=60s', 'crd', '--all'])
}

async function done(kubeconfig: string, words: string[]): Promise<void> {
  const { code, err } = await kubectl(kubeconfig, words)
  if (code !== 0) throw new Error(err)
}
