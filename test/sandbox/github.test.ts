import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Octokit } from '@octokit/rest'
import t from 'tap'
import { makeSshKeyPair } from '#cloud-init/ssh-keys.ts'
import { repositoriesOf } from '../../sandbox/cluster/git.ts'
import { Faults } from '../../sandbox/faults.ts'
import { createRepository } from '../../sandbox/github/repositories.ts'
import { startGithub } from '../../sandbox/github/start.ts'
import { noMachines } from '../../sandbox/machines.ts'
import { openWorld } from '../../sandbox/world.ts'

const folder = t.testdir({ home: {} })
const world = await openWorld(join(folder, 'world'), { faults: new Faults(), machines: noMachines })
t.teardown(() => world.end())
const github = await startGithub(world)
const silent = { debug() {}, info() {}, warn() {}, error() {} }
const connect = (auth: string) => new Octokit({ auth, baseUrl: github.url, log: silent })
const octokit = connect(github.token)
const { git, repos } = octokit.rest
const at = { owner: 'bob', repo: 'regrow-main' }
const main = async (repo = at) => (await git.getRef({ ...repo, ref: 'heads/main' })).data.object.sha

async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'no error'
  } catch (error) {
    const { status, response } = error as { status: number; response?: { data: { message: string } } }
    return `${status} ${response?.data.message}`
  }
}

t.test('whose token it is', async (t) => {
  const user = await octokit.rest.users.getAuthenticated()
  t.match(user, { data: { login: 'bob' }, headers: { 'x-oauth-scopes': 'repo' } })
  t.equal(await refusal(connect('ghp_wrong').rest.users.getAuthenticated()), '401 Bad credentials')
  world.save('behaviour', { githubFineGrained: true })
  const fine = await connect(`github_pat_${github.token.slice(4)}`).rest.users.getAuthenticated()
  t.notOk(fine.headers['x-oauth-scopes'])
  t.equal(await refusal(octokit.rest.users.getAuthenticated()), '401 Bad credentials')
  world.save('behaviour', {})
})

t.test('a repository is made once, and is private', async (t) => {
  const wish = { name: 'regrow-main', private: true, auto_init: true, description: 'what it is' }
  world.save('behaviour', { githubInitMs: 60_000 })
  const made = await repos.createForAuthenticatedUser(wish)
  t.match(made, {
    status: 201,
    data: { full_name: 'bob/regrow-main', private: true, default_branch: 'main' },
  })
  t.equal(made.data.ssh_url, 'git@github.com:bob/regrow-main.git')
  t.equal(await refusal(main()), '409 Git Repository is empty.', 'not to be seen yet')
  world.save('behaviour', {})
  t.match(await main(), /^[0-9a-f]{40}$/)
  t.match(await refusal(repos.createForAuthenticatedUser(wish)), '422 Repository creation failed.')
  t.match((await repos.get(at)).data.permissions, { admin: true, push: true })
  t.equal(
    await refusal(new Octokit({ baseUrl: github.url, log: silent }).rest.repos.get(at)),
    '404 Not Found',
  )
  t.equal(await refusal(repos.createInOrg({ org: 'acme', name: 'x' })), '404 Not Found')
})

t.test('what belongs to others', async (t) => {
  await createRepository(world, 'mallory', { name: 'secret', private: true })
  await createRepository(world, 'mallory', { name: 'open', auto_init: true })
  t.equal(await refusal(repos.get({ owner: 'mallory', repo: 'secret' })), '404 Not Found')
  const open = { owner: 'mallory', repo: 'open' }
  t.match((await repos.get(open)).data.permissions, { admin: false, push: false, pull: true })
  t.match(await refusal(repos.delete(open)), /^403 /)
  t.match(await refusal(git.createBlob({ ...open, content: 'x' })), /^403 /)
})

t.test('an empty repository takes a first file and nothing else', async (t) => {
  const empty = { owner: 'bob', repo: 'empty' }
  await repos.createForAuthenticatedUser({ name: 'empty' })
  t.equal(await refusal(main(empty)), '409 Git Repository is empty.')
  t.equal(await refusal(git.createBlob({ ...empty, content: 'x' })), '409 Git Repository is empty.')
  const tree = [{ path: 'a', mode: '100644' as const, type: 'blob' as const, content: 'x' }]
  t.equal(await refusal(git.createTree({ ...empty, tree })), '409 Git Repository is empty.')
  const content = Buffer.from('first').toString('base64')
  const put = { ...empty, path: 'docs/one.md', message: 'one', content }
  t.equal((await repos.createOrUpdateFileContents(put)).status, 201)
  t.match(await refusal(repos.createOrUpdateFileContents(put)), /"sha" wasn't supplied/)
  const got = await repos.getContent({ ...empty, path: 'docs/one.md' })
  t.match(got.data, { type: 'file', encoding: 'base64', size: 5, content })
  t.match((await repos.getContent({ ...empty, path: 'docs' })).data, [{ type: 'file', name: 'one.md' }])
  t.equal(await refusal(repos.getContent({ ...empty, path: 'none' })), '404 Not Found')
})

const blob = (path: string, content: string) => ({
  path,
  mode: '100644' as const,
  type: 'blob' as const,
  content,
})

/** Writes a commit with these files over a parent, through the Git Data API. */
async function commit(parent: string, files: Record<string, string>, message = 'change'): Promise<string> {
  const before = await git.getCommit({ ...at, commit_sha: parent })
  const tree = Object.entries(files).map(([path, content]) => blob(path, content))
  const made = await git.createTree({ ...at, base_tree: before.data.tree.sha, tree })
  return (await git.createCommit({ ...at, message, tree: made.data.sha, parents: [parent] })).data.sha
}

t.test('a commit by the Git Data API', async (t) => {
  const head = await main()
  const sha = await commit(head, { 'a/b/c.txt': 'ü\n', 'd.txt': 'd' }, 'two files\n\nwith a body')
  await git.updateRef({ ...at, ref: 'heads/main', sha, force: false })
  const read = await git.getCommit({ ...at, commit_sha: sha })
  t.match(read.data, {
    message: 'two files\n\nwith a body',
    parents: [{ sha: head }],
    author: { name: 'bob' },
  })
  const { data } = await git.getTree({ ...at, tree_sha: read.data.tree.sha, recursive: '1' })
  t.strictSame(
    data.tree.filter((one) => one.type === 'blob').map((one) => one.path),
    ['README.md', 'a/b/c.txt', 'd.txt'],
  )
  const file = data.tree.find((one) => one.path === 'a/b/c.txt')
  const content = (await git.getBlob({ ...at, file_sha: file?.sha ?? '' })).data.content
  t.equal(Buffer.from(content, 'base64').toString(), 'ü\n')
  const remove = [{ path: 'd.txt', mode: '100644' as const, type: 'blob' as const, sha: null }]
  const less = await git.createTree({ ...at, base_tree: data.sha, tree: remove })
  t.strictSame(
    less.data.tree.map((one) => one.path),
    ['README.md', 'a'],
  )
  const again = git.createTree({ ...at, base_tree: less.data.sha, tree: remove })
  t.equal(await refusal(again), '422 GitRPC::BadObjectState')
})

t.test('a history is listed newest first, by path and by date', async (t) => {
  const shas = async (wish: object) =>
    (await repos.listCommits({ ...at, ...wish })).data.map(({ commit: { message }, sha }) => [message, sha])
  const [newest, ...older] = await shas({})
  t.match(newest, ['two files\n\nwith a body', await main()])
  t.match(older, [['Initial commit', /^[0-9a-f]{40}$/]])
  t.same(await shas({ path: 'a/b' }), [newest])
  t.same(await shas({ path: 'README.md' }), older)
  t.same(await shas({ path: 'nothing' }), [])
  t.same(await shas({ per_page: 1, page: 2 }), older)
  t.same(await shas({ until: '2020-01-01T00:00:00Z' }), [])
  t.equal(await refusal(shas({ sha: 'nowhere' })), '404 Not Found')
  const before = (await repos.getContent({ ...at, path: 'd.txt', ref: newest?.[1] ?? '' })).data
  t.match(before, { type: 'file', size: 1 })
})

t.test('main that is kept for pull requests takes no commit, and says by what rule', async (t) => {
  const head = await main()
  const move = async () => refusal(git.updateRef({ ...at, ref: 'heads/main', sha: head }))
  const rules = () => repos.getBranchRules({ ...at, branch: 'main' })
  t.match(await refusal(rules()), /^403 Upgrade to GitHub Pro/, 'a private repository of a free account')
  t.equal(await move(), 'no error')
  world.save('behaviour', { githubProtection: 'ruleset' })
  t.match(
    await move(),
    /^422 Repository rule violations found\n\nChanges must be made through a pull request/,
  )
  const file = { ...at, path: 'x', message: 'x', content: 'eA==' }
  t.match(await refusal(repos.createOrUpdateFileContents(file)), /^422 Repository rule violations/)
  const found = (await rules()).data.at(-1)
  t.match(found, { type: 'pull_request', ruleset_source: 'bob/regrow-main' })
  const shown = await repos.getRepoRuleset({ ...at, ruleset_id: found?.ruleset_id ?? 0 })
  t.match(shown.data, { name: 'reviewed', current_user_can_bypass: 'never' })
  t.equal(await refusal(repos.getBranchProtection({ ...at, branch: 'main' })), '404 Branch not protected')
  t.equal(await refusal(git.createRef({ ...at, ref: 'refs/regrow/x', sha: head })), 'no error', 'no branch')
  world.save('behaviour', { githubProtection: 'classic' })
  t.equal(await move(), '422 Changes must be made through a pull request.')
  t.same((await rules()).data, [])
  const old = (await repos.getBranchProtection({ ...at, branch: 'main' })).data
  t.match(old, { enforce_admins: { enabled: true }, required_pull_request_reviews: {} })
  world.save('behaviour', { githubProtection: 'organisation', githubOrganisations: ['acme'] })
  const [listed] = (await repos.getOrgRulesets({ org: 'acme' })).data
  t.notOk(listed?.rules, 'a list tells no rules')
  const whole = await repos.getOrgRuleset({ org: 'acme', ruleset_id: listed?.id ?? 0 })
  t.match(whole.data, { enforcement: 'active', conditions: { repository_name: { include: ['~ALL'] } } })
  world.save('behaviour', {})
  t.equal(await refusal(repos.getOrgRulesets({ org: 'acme' })), '404 Not Found')
})

t.test('workflow files need a scope of their own', async (t) => {
  const tree = [blob('.github/workflows/x.yml', 'on: push')]
  t.equal(await refusal(git.createTree({ ...at, tree })), '404 Not Found')
  world.save('behaviour', { githubScopes: 'repo, workflow' })
  t.equal(await refusal(git.createTree({ ...at, tree })), 'no error')
  world.save('behaviour', {})
})

t.test('a ref outside of branches is a lock: of two who move it, one is refused', async (t) => {
  const ref = 'regrow/lock'
  const head = await main()
  t.equal(await refusal(git.getRef({ ...at, ref })), '404 Not Found')
  t.match(await refusal(git.updateRef({ ...at, ref, sha: head })), '422 Reference does not exist')
  await git.createRef({ ...at, ref: `refs/${ref}`, sha: head })
  t.match(
    await refusal(git.createRef({ ...at, ref: `refs/${ref}`, sha: head })),
    '422 Reference already exists',
  )
  const both = await Promise.all([commit(head, { lock: 'mine' }), commit(head, { lock: 'yours' })])
  const moved = await Promise.all(
    both.map((sha) => refusal(git.updateRef({ ...at, ref, sha, force: false }))),
  )
  t.strictSame(moved.sort(), ['422 Update is not a fast forward', 'no error'])
  t.match((await git.listMatchingRefs({ ...at, ref: 'regrow' })).data, [{ ref: 'refs/regrow/lock' }])
  const [, loser = ''] = both
  t.equal(await refusal(git.updateRef({ ...at, ref, sha: loser, force: true })), 'no error')
  await git.deleteRef({ ...at, ref })
  t.match(await refusal(git.deleteRef({ ...at, ref })), '422 Reference does not exist')
})

t.test('git clones, pushes and is refused', async (t) => {
  const run = (cwd: string, ...args: string[]) =>
    promisify(execFile)('git', args, {
      cwd,
      env: {
        PATH: process.env.PATH,
        HOME: join(folder, 'home'),
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_TERMINAL_PROMPT: '0',
        GIT_AUTHOR_NAME: 'a',
        GIT_AUTHOR_EMAIL: 'a@b',
        GIT_COMMITTER_NAME: 'a',
        GIT_COMMITTER_EMAIL: 'a@b',
      },
    })
  const refuses = (work: Promise<unknown>, said: RegExp) =>
    work.then(
      () => t.fail('git succeeded'),
      (error: { stderr?: string }) => t.match(error.stderr, said),
    )
  const clone = join(folder, 'clone')
  await run(folder, 'clone', '-q', `${github.gitUrl}/bob/regrow-main.git`, clone)
  t.equal(readFileSync(join(clone, 'd.txt'), 'utf8'), 'd')
  writeFileSync(join(clone, 'large.txt'), 'line of text\n'.repeat(200_000))
  await run(clone, 'add', '.')
  await run(clone, 'commit', '-q', '-m', 'pushed')
  await run(clone, 'push', '-q')
  t.equal(await main(), (await run(clone, 'rev-parse', 'HEAD')).stdout.trim())
  await refuses(
    run(folder, 'clone', '-q', `${github.url}/bob/regrow-main.git`, 'no'),
    /could not read Username/,
  )
  const wrong = github.gitUrl.replace(github.token, 'ghp_wrong')
  await refuses(run(folder, 'clone', '-q', `${wrong}/bob/regrow-main.git`, 'no'), /Authentication failed/)
  await refuses(run(folder, 'clone', '-q', `${github.gitUrl}/mallory/secret`, 'no'), /not found/)

  const key = makeSshKeyPair('regrow')
  const { id } = (await repos.createDeployKey({ ...at, title: 'argo', key: key.publicKey, read_only: true }))
    .data
  const byKey = github.deployKeyUrl('bob', 'regrow-main', key.privateKey)
  await run(folder, 'clone', '-q', byKey, 'by-key')
  await refuses(run(clone, 'push', '-q', byKey, 'HEAD:refs/heads/x'), /403/)
  await repos.deleteDeployKey({ ...at, key_id: id })
  await refuses(run(folder, 'clone', '-q', byKey, 'no'), /not found/)
})

t.test('a deploy key reads one repository, as long as it is registered', async (t) => {
  const key = makeSshKeyPair('regrow')
  const address = 'git@github.com:bob/regrow-main.git'
  const head = (to = address) => repositoriesOf(world).head(to, key.privateKey, 'main')
  await t.rejects(head(), /Permission denied \(publickey\)/)
  const wish = { ...at, title: 'argo', key: key.publicKey, read_only: true }
  const added = await repos.createDeployKey(wish)
  t.match(added.data, { title: 'argo', read_only: true })
  t.equal(added.data.key, key.publicKey.split(' ').slice(0, 2).join(' '))
  t.strictSame(
    (await repos.listDeployKeys(at)).data.map((one) => one.id),
    [added.data.id],
  )
  const twice = await repos.createDeployKey({ ...wish, repo: 'empty' }).catch((error: unknown) => error)
  t.match(twice, { status: 422, response: { data: { errors: [{ message: 'key is already in use' }] } } })
  t.match(
    await refusal(repos.createDeployKey({ ...wish, key: 'ssh-ed25519 nonsense' })),
    /^422 Validation Failed/,
  )
  t.equal(await head(), await main())
  const files = await repositoriesOf(world).files(address, key.privateKey, await main())
  t.equal(files.get('d.txt'), 'd')
  await t.rejects(head('git@github.com:bob/empty.git'), /fatal/)
  await repos.deleteDeployKey({ ...at, key_id: added.data.id })
  await t.rejects(head(), /Permission denied/)
})

t.test('a repository is described anew, and removed with the scope for it', async (t) => {
  const empty = { owner: 'bob', repo: 'empty' }
  await repos.update({ ...empty, description: 'new' })
  t.match((await repos.get(empty)).data, { description: 'new' })
  world.save('behaviour', { githubScopes: 'repo' })
  t.match(await refusal(repos.delete(empty)), /^403 Must have admin rights/)
  world.save('behaviour', { githubScopes: 'repo, delete_repo' })
  await repos.delete(empty)
  t.equal(await refusal(repos.get(empty)), '404 Not Found')
  t.match(await refusal(octokit.request('GET /repos/bob/regrow-main/pulls')), /^501 /)
})
