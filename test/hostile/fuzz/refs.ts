import type { GitHub } from '../../../lib/clients/github.ts'
import { lockHolder, wasReleasedSince } from '../../../lib/cluster/lock.ts'
import { drift } from '../../../lib/gitops/drift.ts'
import { describedIn } from '../../../lib/gitops/manifest-files.ts'
import { RepositoryReader } from '../../../lib/gitops/repository-tree.ts'
import { looking, type Target } from './target.ts'

const holder = {
  ...{ state: 'held', flow: 'scale', who: 'bob', host: 'nowhere', processes: 'all', pid: 4711, started: '1' },
  at: '2026-11-30T10:00:00Z',
}
const manifest = `apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: shop}
data: {a: b}
---
apiVersion: v1
kind: List
items: [{apiVersion: v1, kind: Secret, metadata: {name: b}}]
`
const place = { owner: 'bob', name: 'regrow-main' }

/** The refs of the lock and of what regrow seeded, and files of Git. */
export const refs: Target = async (random, told) => {
  const json = JSON.stringify(random.changed(holder)) ?? ''
  const message = random.pick([
    () => `regrow lock\n\n${json}\n`,
    () => random.garbled(`regrow lock\n\n${json}\n`),
    () => `${random.text()}\n${json}`,
    () => random.text(),
  ])()
  const commit = { sha: 'c', message, tree: { sha: 't' }, parents: random.maybe() ? [{ sha: 'd' }] : [] }
  const root = { ...commit, sha: 'd', parents: [] }
  const text = random.pick([manifest, random.garbled(manifest), random.text()])
  const path = random.maybe() ? 'apps/a.yaml' : random.text()
  const github = looking<GitHub>({
    ref: async () => 'c',
    commit: async (_: unknown, sha: string) => (sha === 'c' ? commit : root),
    tree: async () => new Map([[path, 'b']]),
    blob: async () => text,
    clockOffset: () => 0,
  })
  const held = await lockHolder(github, place)
  told(held ?? 'free')
  told(String(await wasReleasedSince(github, place, 'd')))
  const tree = await new RepositoryReader(github, place).at('c')
  told(Object.fromEntries(await tree.texts([path])))
  told(describedIn(text)?.map(({ kind, namespace, name }) => `${kind} ${namespace}/${name}`) ?? 'nothing')
  const there = new Map([['apps/a.yaml', 'b']])
  for (const one of await drift(
    github,
    place,
    { 'apps/a.yaml': manifest },
    { before: new Map([['apps/a.yaml', 'a']]), there },
  ))
    told('difference' in one ? String(one.difference) : one.path)
}
