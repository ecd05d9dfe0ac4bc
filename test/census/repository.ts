import { dump } from 'js-yaml'
import { z } from 'zod'
import { github } from './person.ts'
import type { Thing } from './things.ts'

const ref = z.object({ object: z.object({ sha: z.string() }) })
const made = z.object({ sha: z.string() })

/**
 * Commits files of the GitOps repository of cluster `main` at once, as a push of a person does; undefined removes one.
 * @returns the commit
 */
export async function commit(
  env: Record<string, string>,
  files: Record<string, readonly Thing[] | undefined>,
): Promise<string> {
  const git = (method: string, path: string, body?: object) =>
    github(env, method, `/repos/bob/regrow-main/git/${path}`, body)
  const head = ref.parse(await git('GET', 'ref/heads/main')).object.sha
  const tree = Object.entries(files).map(([path, things]) => ({
    path,
    mode: '100644',
    type: 'blob',
    ...(things ? { content: things.map((one) => dump(one)).join('---\n') } : { sha: null }),
  }))
  const { sha } = made.parse(await git('POST', 'trees', { base_tree: head, tree }))
  const message = Object.keys(files).join(', ')
  const next = made.parse(await git('POST', 'commits', { message, tree: sha, parents: [head] }))
  await git('PATCH', 'refs/heads/main', { sha: next.sha })
  return next.sha
}
