import t from 'tap'
import { z } from 'zod'
import { mutating, openTestBox } from '../../flows/box.ts'

// A cluster that Git describes, and a token of another DigitalOcean account, which is empty: both SIMULATED.

t.setTimeout(600_000) // on a machine that may be busy

t.test('another account is not taken for the one that Git’s cluster lives in', async (t) => {
  const [box, other] = await Promise.all([openTestBox(t), openTestBox(t)])
  t.equal((await box.run('bootstrap.mts')).code, 0)
  const { REGROW_DIGITALOCEAN_URL, REGROW_SPACES_URL, DIGITALOCEAN_TOKEN } = other.env
  const env = { REGROW_DIGITALOCEAN_URL, REGROW_SPACES_URL, DIGITALOCEAN_TOKEN }
  const repository = '/repos/bob/regrow-main'
  const inGit = () =>
    Promise.all(['keys', 'git/ref/heads/main'].map((what) => box.github('GET', `${repository}/${what}`)))
  const before = await inGit()
  for (const [script = '', ...words] of [
    ['bootstrap.mts'],
    ['scale.mts'],
    ['restore.mts', '--backup', 'latest'],
    ['scripts/destroy.mts', '--with-repository', '--yes'],
  ]) {
    const ended = await box.run(script, words, { env })
    t.equal(ended.code, 1, script)
    t.match(
      ended.err,
      /cluster main keeps its backups in regrow-main-[0-9a-f]{10}-velero, says bob\/regrow-main/,
      script,
    )
    t.match(ended.err, 'Use a token of the team in which that bucket is.')
    t.same(mutating(ended.requests), [])
  }
  t.same(await inGit(), before, 'deploy key and Git are as they were')

  await t.test('whose account is lost names the buckets, and then may go on', async (t) => {
    const file = `${repository}/contents/clusters/main/cluster.yaml`
    const { sha, content } = z
      .object({ sha: z.string(), content: z.string() })
      .parse(await box.github('GET', file))
    const text = Buffer.from(content, 'base64').toString()
    const named = text.replace(/^store:.*$/m, 'store: {velero: my-backups, kit: my-kit}')
    await box.github('PUT', file, { message: 'Mine', sha, content: Buffer.from(named).toString('base64') })
    const ended = await box.run('bootstrap.mts', ['--dry-run'], { env })
    t.equal(ended.code, 0, ended.err)
    t.match(ended.out, /\+ bucket +my-backups/)
  })
})
