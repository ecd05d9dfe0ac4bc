import { createHash } from 'node:crypto'
import t from 'tap'
import type { GitHub } from '../../lib/clients/github.ts'
import { drift } from '../../lib/gitops/drift.ts'

const sha = (text: string) =>
  createHash('sha1')
    .update(`blob ${Buffer.byteLength(text)}\0${text}`)
    .digest('hex')

/** Compares what is wanted of one file with what regrow wrote last and what Git has; undefined for no file. */
async function compared(
  wanted: string,
  last: string | undefined,
  there: string | undefined,
  path = 'a.yaml',
) {
  const github: Partial<GitHub> = { blob: async () => there ?? '' }
  const files = (text: string | undefined) => new Map(text === undefined ? [] : [[path, sha(text)]])
  const place = { owner: 'bob', name: 'r' }
  const [found] = await drift(
    github as GitHub,
    place,
    { [path]: wanted },
    { before: files(last), there: files(there) },
  )
  return found
}

t.test('what is as wanted is no drift, whoever wrote it', async (t) => {
  t.equal(await compared('new', 'old', 'new'), undefined)
  t.equal(await compared('new', undefined, 'new'), undefined)
})

t.test('what nobody touched since regrow wrote it may be written', async (t) => {
  t.match(await compared('new', 'old', 'old'), { path: 'a.yaml', kind: 'ours' })
  t.match(await compared('new', undefined, undefined), { kind: 'ours' })
  t.match(await compared('new', undefined, '# r', 'README.md'), { kind: 'ours' }, 'GitHub’s first README')
})

t.test('what a person edited, removed or had before is theirs', async (t) => {
  t.match(await compared('old', 'old', 'mine'), { kind: 'edited' })
  t.match(await compared('old', 'old', undefined), { kind: 'removed' })
  t.match(await compared('new', undefined, 'mine'), { kind: 'edited' })
})

t.test('what a person edited and regrow wants otherwise is theirs, with the lines that differ', async (t) => {
  t.same(await compared('a\nnew', 'a\nold', 'a\nmine'), {
    path: 'a.yaml',
    kind: 'both',
    difference: '    - mine\n    + new',
  })
})
