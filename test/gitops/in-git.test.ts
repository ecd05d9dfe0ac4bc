import { load } from 'js-yaml'
import t from 'tap'
import type { Cluster } from '../../lib/cluster/cluster.ts'
import { applicationInGit, argocdInGit } from '../../lib/gitops/in-git.ts'
import { appliedFilesAreRight } from '../../lib/machines/preflight/repository-checks.ts'
import { clusterIn, FakeRepository, seeded } from './fake-repository.ts'

const files = seeded()
const root = 'applications/app-of-apps.yaml'
const values = 'clusters/main/platform/argocd/values.yaml'

/** A cluster whose repository has these files. */
function clusterWith(ofGit: Record<string, string | undefined>): Cluster {
  const fake = new FakeRepository()
  fake.commit('Seed', ofGit)
  return clusterIn(fake)
}

t.test('what a person wrote in Git is what is applied', async (t) => {
  const edited = (files[root] ?? '').replace('selfHeal: true', 'selfHeal: false')
  const more = `${files[values]}\nmine: yes\n`
  const cluster = clusterWith({ ...files, [root]: edited, [values]: more })
  t.match(load(await applicationInGit(cluster, 'root')), {
    spec: { syncPolicy: { automated: { selfHeal: false } } },
  })
  t.equal((await argocdInGit(cluster)).values, more)
  for (const check of appliedFilesAreRight) t.same(await check(cluster, {} as never), [])
})

t.test('where Git has no such file, regrow applies its own', async (t) => {
  const cluster = clusterWith({ 'README.md': 'empty' })
  t.match(load(await applicationInGit(cluster, 'platform')), { metadata: { name: 'platform' } })
  t.match(load((await argocdInGit(cluster)).values), { configs: {} })
})

t.test('a file that cannot be applied is named before anything is bought', async (t) => {
  const wrong = {
    'does not parse': { [root]: 'a: [', [values]: '\t' },
    'is another Application': { [root]: files['applications/platform.yaml'], [values]: '- a list' },
  }
  for (const [what, altered] of Object.entries(wrong)) {
    const cluster = clusterWith({ ...files, ...altered })
    const results = await Promise.allSettled(appliedFilesAreRight.map((check) => check(cluster, {} as never)))
    t.match(
      results.map((one) => (one.status === 'rejected' ? one.reason.message : '')),
      [
        '',
        'applications/app-of-apps.yaml in bob/regrow-main is not Argo CD’s Application “root” in namespace argocd',
        'clusters/main/platform/argocd/values.yaml in bob/regrow-main is not a list of settings for the chart',
      ],
      what,
    )
  }
})
