import { dump } from 'js-yaml'
import { z } from 'zod'
import { github } from './person.ts'

const ref = z.object({ object: z.object({ sha: z.string() }) })
const made = z.object({ sha: z.string() })

/**
 * Commits files of the GitOps repository of cluster `main` at once, as a push of a person does; undefined removes one.
 * @returns the commit
 */
export async function commit(
  env: Record<string, string>,
  files: Record<string, readonly object[] | undefined>,
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

/** A file of that repository as main has it. */
export async function committed(env: Record<string, string>, path: string): Promise<string> {
  const { content } = z
    .object({ content: z.string() })
    .parse(await github(env, 'GET', `/repos/bob/regrow-main/contents/${path}`))
  return Buffer.from(content, 'base64').toString()
}
