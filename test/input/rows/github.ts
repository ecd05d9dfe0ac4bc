import { z } from 'zod'
import { box } from './boxes.ts'
import { keys, paste, type Row } from './row.ts'

const { REGROW_UPSTREAM_URL: mirror } = box.env

const allowKeys =
  'Allow them at https://github.com/organizations/acme/settings/member_privileges (“Deploy keys”), and run the same command again. Or name a repository of your own with --repo.'

/** The token of GitHub, and what a repository holds. */
export const github: Row[] = [
  {
    run: 'bootstrap.mts',
    behaviour: { githubScopes: 'read:user' },
    code: 1,
    found: [
      [
        'the GitHub token lacks the scope “repo” (it has: read:user)',
        'Make a classic token with “repo” at https://github.com/settings/tokens.',
      ],
    ],
  },
  {
    run: 'bootstrap.mts',
    behaviour: { githubMayCreate: false },
    code: 1,
    says: [
      'GitHub refused to create repository regrow-main: 403 Resource not accessible by personal access token',
      'Give the token the permission: classic “repo”, or fine-grained “Administration” and “Contents”, read and write (docs/setup.md). Or make an empty private repository yourself, let the token have it, and name it with --repo OWNER/NAME.',
    ],
  },
  {
    run: 'bootstrap.mts --repo acme/infra',
    behaviour: { githubOrganisations: ['acme'], githubDeployKeys: 'forbidden' },
    code: 1,
    found: [['organisation acme forbids deploy keys, and Argo CD reads acme/infra with one', allowKeys]],
  },
  {
    // Where it does not tell, one is tried before anything else is made.
    run: 'bootstrap.mts --repo acme/untold',
    behaviour: { githubOrganisations: ['acme'], githubDeployKeys: 'forbidden untold' },
    given: () => box.github('POST', '/orgs/acme/repos', { name: 'untold', private: true, auto_init: true }),
    code: 1,
    says: ['organisation acme forbids deploy keys, and Argo CD reads acme/untold with one', allowKeys],
  },
  {
    run: 'bootstrap.mts --repo nobody/here',
    code: 1,
    says: [
      'GitHub refused to create repository nobody/here: 404 Not Found',
      'GitHub says so too where a token may not look: check the name, and the token’s permissions (docs/setup.md).',
    ],
  },
  {
    run: 'bootstrap.mts --repo bob/open',
    given: () => repository('open', {}, false),
    code: 1,
    found: [['repository bob/open is public', 'Make it private, or name another with --repo.']],
  },
  {
    run: 'bootstrap.mts --repo bob/blog',
    given: () => repository('blog', { 'index.html': '<p>' }),
    code: 1,
    found: [
      [
        'repository bob/blog holds something else (index.html)',
        'Name an empty one, or one that does not exist yet, with --repo.',
      ],
    ],
  },
  {
    run: 'bootstrap.mts --repo bob/torn',
    given: () => repository('torn', { 'clusters/main/cluster.yaml': 'region: [' }),
    code: 1,
    found: [
      [
        'bob/torn: clusters/main/cluster.yaml cannot be used: is not valid YAML: unexpected end of the stream within a flow collection (1:10)',
        keys,
      ],
    ],
  },
  {
    // What cannot be read may describe the machine that is there: nothing is said of it, and nothing of what it lacks.
    run: 'bootstrap.mts --name solo --repo bob/unread',
    given: async () => {
      await repository('unread', { 'clusters/solo/cluster.yaml': 'versions: {k3s: latest}' })
      const machine = { name: 'solo-9', region: 'fra1', size: 's-1vcpu-2gb', image: 'debian-13-x64' }
      await box.cloud('POST', '/v2/droplets', { ...machine, tags: ['regrow:solo'] })
      box.behave({ digitalocean: { limits: { droplets: 1 } } })
    },
    code: 1,
    found: [
      [
        'bob/unread: clusters/solo/cluster.yaml cannot be used: versions.k3s “latest” is not an exact version',
        keys,
      ],
    ],
  },
  {
    run: 'status.mts --repo bob/odd',
    given: () => repository('odd', { 'clusters/main/cluster.yaml': 'regoin: fra1\nnextNode: none' }),
    code: 1,
    found: [
      [
        'bob/odd: clusters/main/cluster.yaml cannot be used: nextNode “none” must be a number; has no key “regoin”, did you mean “region”?',
        keys,
      ],
    ],
  },
  {
    run: 'bootstrap.mts --repo bob/grown --region ams3 --size s-2vcpu-4gb',
    given: () => repository('grown', { 'clusters/main/cluster.yaml': 'region: fra1' }),
    code: 2,
    found: [
      [
        'cluster main is in fra1 and cannot move to ams3',
        `Bring a backup back in the other region, under another name: ${paste('restore.mts', '--name', 'main', '--repo', 'bob/grown', '--backup', 'latest', '--as', 'NAME', '--region', 'ams3')}`,
      ],
      [
        'cluster main has size s-1vcpu-2gb',
        `${paste('scale.mts', '--name', 'main', '--repo', 'bob/grown', '--size', 's-2vcpu-4gb')} changes it.`,
      ],
    ],
  },
  {
    // An earlier regrow wrote an address that upstream left: Argo CD would ask there.
    run: 'bootstrap.mts --repo bob/moved',
    given: () =>
      repository('moved', {
        'clusters/main/cluster.yaml': '',
        'clusters/main/sealed-secrets.yaml': sealedSecretsAt('https://bitnami-labs.github.io/sealed-secrets'),
      }),
    code: 1,
    found: [
      [
        `${mirror}/bitnami-labs.github.io/sealed-secrets/index.yaml could not be fetched: status 404`,
        'Did the chart move? Then write its new address into repoURL where clusters/NAME/*.yaml in your repository names chart sealed-secrets. Otherwise check the network, or name a mirror with REGROW_UPSTREAM_URL.',
      ],
    ],
  },
  {
    run: 'bootstrap.mts --repo bob/locked',
    given: locked,
    code: 1,
    says: [
      'bob/locked is locked by eve on far (bootstrap, process 7, since 2026-11-23T10:00:00Z)',
      `Wait for it. If you are sure that run is dead, take its lock: ${paste('bootstrap.mts', '--repo', 'bob/locked')} --steal-lock`,
    ],
  },
  {
    run: 'destroy.mts --repo bob/grown --with-repository',
    behaviour: { githubScopes: 'repo' },
    code: 1,
    found: [
      [
        'the GitHub token may not delete a repository: it lacks the scope “delete_repo” (it has: repo)',
        'Make a classic token with “repo” and “delete_repo”, or omit --with-repository.',
      ],
    ],
  },
]

const sealedSecretsAt = (repoURL: string) =>
  JSON.stringify({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name: 'sealed-secrets' },
    spec: {
      destination: { namespace: 'kube-system' },
      sources: [{ repoURL, chart: 'sealed-secrets', targetRevision: '2.18.5' }],
    },
  })

/** A repository of bob's with these files beside its README. */
async function repository(name: string, files: Record<string, string>, isPrivate = true): Promise<void> {
  await box.github('POST', '/user/repos', { name, private: isPrivate, auto_init: true })
  for (const [path, content] of Object.entries(files))
    await box.github('PUT', `/repos/bob/${name}/contents/${path}`, {
      message: 'Mine',
      content: Buffer.from(content).toString('base64'),
    })
}

/** A repository whose lock somebody has on another machine. */
async function locked(): Promise<void> {
  await repository('locked', { 'clusters/main/cluster.yaml': '' })
  const at = '/repos/bob/locked/git'
  const sha = z.object({ sha: z.string() })
  const { object } = z.object({ object: sha }).parse(await box.github('GET', `${at}/ref/heads/main`))
  const { tree } = z.object({ tree: sha }).parse(await box.github('GET', `${at}/commits/${object.sha}`))
  const process = { flow: 'bootstrap', who: 'eve', host: 'far', pid: 7, started: '1' }
  const holder = { state: 'held', ...process, at: '2026-11-23T10:00:00Z' }
  const message = `regrow lock\n\n${JSON.stringify(holder)}\n`
  const made = await box.github('POST', `${at}/commits`, { message, tree: tree.sha, parents: [] })
  await box.github('POST', `${at}/refs`, { ref: 'refs/regrow/lock', sha: sha.parse(made).sha })
}
