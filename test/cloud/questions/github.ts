import { type Asked, NotMet, type Unasked } from '../question.ts'

/** What GitHub does, as the play's own requests tell. */
export const githubQuestions: (Asked | Unasked)[] = [
  {
    id: 'new-repository',
    question: 'Has a new repository its first commit at once?',
    doubt: 'pitfalls: 409 “Git Repository is empty” for a while',
    when: 'grown',
    ask: async ({ requests }) => {
      const all = requests.filter(({ service }) => service === 'github')
      const made = all.findIndex(
        ({ method, path }) => method === 'POST' && /\/(user|orgs\/[^/]+)\/repos$/.test(path),
      )
      if (made < 0) return new NotMet('no repository was made')
      const later = all.slice(made + 1).filter(({ path }) => /\/git\/refs?\/heads/.test(path))
      const empty = later.filter(({ status }) => status === 404 || status === 409)
      return {
        said: empty.length === 0 ? 'yes' : 'no',
        seen: `${empty.length} of ${later.length} looks came too early`,
      }
    },
    supposed: 'yes',
    wrong: 'no',
    place: 'sandbox/behaviour.ts (githubInitMs)',
  },
  {
    id: 'ref-of-the-lock',
    question: 'Does GitHub take a ref below refs/regrow/?',
    doubt: 'documented, never tried',
    when: 'grown',
    ask: async ({ requests }) => {
      const made = requests.filter(({ method, path }) => method === 'POST' && path.endsWith('/git/refs'))
      return taken(made, 'no ref was made')
    },
    supposed: 'yes',
    wrong: '422',
    place: 'sandbox/github/git-data.ts',
  },
  {
    id: 'deploy-key',
    question: 'Does GitHub take the deploy key of a new repository?',
    doubt: 'new organisations forbid them',
    when: 'grown',
    ask: async ({ requests }) => {
      const made = requests.filter(
        ({ method, path }) => method === 'POST' && path.endsWith('/keys') && path.startsWith('/repos/'),
      )
      return taken(made, 'no deploy key was added')
    },
    supposed: 'yes',
    wrong: '422',
    place: 'sandbox/github/repositories.ts',
  },
  {
    id: 'github-limit',
    question: 'What does a secondary rate limit of GitHub look like?',
    doubt: 'documented in words, without an example',
    unasked: 'Whoever provokes one may be shut out; those that this play meets are in its requests.',
  },
]

/** Whether GitHub took all of these requests: yes, or the status of the first that it refused. */
function taken(made: readonly { status: number; message?: string | undefined }[], none: string) {
  if (made.length === 0) return new NotMet(none)
  const refused = made.find(({ status }) => status >= 400)
  return {
    said: refused ? String(refused.status) : 'yes',
    ...(refused?.message ? { seen: refused.message } : {}),
  }
}
