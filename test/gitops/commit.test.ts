import t from 'tap'
import type { Files, GitHub } from '../../lib/clients/github.ts'
import { GitHubRefusal } from '../../lib/clients/github-refusal.ts'
import { commitFiles } from '../../lib/gitops/commit.ts'

t.test('a push in between is the new base, and what to write is asked again for it', async (t) => {
  const written: Files[] = []
  let head = 'c1'
  const github: Partial<GitHub> = {
    ref: async () => head,
    commit: async (_, sha) => ({ sha, message: '', tree: { sha: `tree of ${sha}` }, parents: [] }),
    writeTree: async (_, __, files) => `tree ${written.push(files)}`,
    writeCommit: async (_, __, tree, [parent]) => `${tree} on ${parent}`,
    moveRef: async (_, __, sha) => {
      if (head === 'c1') {
        head = 'c2'
        throw new GitHubRefusal('move ref', 422, 'Update is not a fast forward')
      }
      head = sha
    },
  }
  const asked: string[] = []
  const done = await commitFiles(
    github as GitHub,
    { owner: 'bob', name: 'r' },
    async (on) => {
      asked.push(on)
      return on === 'c1' ? { mine: '1', theirs: '1' } : { mine: '1' }
    },
    'Message',
  )
  t.same(asked, ['c1', 'c2'])
  t.same(written.at(-1), { mine: '1' }, 'not what a person edited meanwhile')
  t.equal(done, 'tree 2 on c2')
})

t.test('a rule that keeps the branch is no push of somebody else: it is told at once', async (t) => {
  let asked = 0
  const github: Partial<GitHub> = {
    ref: async () => 'c1',
    commit: async (_, sha) => ({ sha, message: '', tree: { sha: 't' }, parents: [] }),
    writeTree: async () => 'new',
    writeCommit: async () => 'c2',
    moveRef: async () => {
      asked++
      throw new GitHubRefusal('move ref heads/main', 422, 'Repository rule violations found')
    },
  }
  const place = { owner: 'bob', name: 'r' }
  await t.rejects(
    commitFiles(github as GitHub, place, async () => ({ a: '1' }), 'Message'),
    { message: /rule violations/ },
  )
  t.equal(asked, 1)
})
