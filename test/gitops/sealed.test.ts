import { dump } from 'js-yaml'
import t from 'tap'
import { movedBranch } from '../../lib/gitops/branch.ts'
import { sealedSecretsInGit, sealedText } from '../../lib/gitops/sealed.ts'
import { FakeRepository } from './fake-repository.ts'

const sealed = (name: string, namespace?: string) =>
  dump({ apiVersion: 'bitnami.com/v1alpha1', kind: 'SealedSecret', metadata: { name, namespace }, spec: {} })

t.test('the SealedSecrets of a cluster are found in all its files, and in no other cluster’s', async (t) => {
  const fake = new FakeRepository()
  fake.commit('First', {
    'clusters/main/apps/a.yaml': `${dump({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' } })}---\n${sealed('two', 'shop')}---\n${sealed('one', 'shop')}`,
    'clusters/other/apps/b.yaml': sealed('theirs', 'shop'),
    'shop/c.json': JSON.stringify({
      apiVersion: 'v1',
      kind: 'List',
      items: [{ apiVersion: 'bitnami.com/v1alpha1', kind: 'SealedSecret', metadata: { name: 'three' } }],
    }),
    'README.md': sealed('only-text'),
    'clusters/main/broken.yaml': 'a: [',
  })
  const cluster = {
    github: fake.github,
    place: fake.place,
    name: 'main',
    repository: { default_branch: 'main' } as never,
  }
  const found = await sealedSecretsInGit(cluster)
  t.same(found, ['shop/one', 'shop/two', 'three'])
  t.equal(sealedText(cluster, found), '3 SealedSecrets in bob/regrow-main (shop/one, shop/two, three)')
  t.equal(sealedText(cluster, ['a/b']), '1 SealedSecret in bob/regrow-main (a/b)')
  t.equal(sealedText(cluster, []), undefined)
  t.same(await sealedSecretsInGit({ ...cluster, repository: undefined }), [])
})

t.test('a moved default branch is told of a cluster that Git describes', async (t) => {
  const place = { owner: 'bob', name: 'infra' }
  const on = (default_branch: string, committed: object | undefined) =>
    movedBranch({ place, repository: { default_branch } as never, committed: committed as never })
  t.equal(on('main', {}), undefined)
  t.equal(on('develop', undefined), undefined, 'bootstrap makes main the default then')
  t.match(on('develop', {}), /^develop is the default branch of bob\/infra: .*main/)
})
