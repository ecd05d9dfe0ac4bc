import t from 'tap'
import { openTestBox } from '../../flows/box.ts'

// A SIMULATED cluster whose repository a person changed: each test stands on the one before.

t.setTimeout(600_000) // many flows, on a machine that may be busy
const box = await openTestBox(t)
const repository = '/repos/bob/regrow-main'
const grown = await box.run('bootstrap.mts')
t.equal(grown.code, 0, grown.err)
t.notMatch(grown.err, 'SealedSecret')
const kubectl = (...words: string[]) => box.run('kubectl', words)

t.test('a platform of before follows main after the next bootstrap', async (t) => {
  const { out } = await kubectl(
    'get',
    'application',
    'platform',
    '-n',
    'argocd',
    '-o',
    'jsonpath={.spec.source.targetRevision}',
  )
  t.equal(out, 'main')
  const patch = JSON.stringify({ spec: { source: { targetRevision: 'HEAD' } } })
  t.equal(
    (await kubectl('patch', 'application', 'platform', '-n', 'argocd', '--type', 'merge', '-p', patch)).code,
    0,
  )
  const again = await box.run('bootstrap.mts')
  t.equal(again.code, 0, again.err)
  t.match(again.err, /^~ application platform/m)
  t.notMatch((await box.run('bootstrap.mts')).err, 'application platform  as')
})

t.test('a moved default branch is told by status and bootstrap, and followed by nobody', async (t) => {
  const { object } = (await box.github('GET', `${repository}/git/ref/heads/main`)) as {
    object: { sha: string }
  }
  await box.github('POST', `${repository}/git/refs`, { ref: 'refs/heads/develop', sha: object.sha })
  await box.github('PATCH', repository, { default_branch: 'develop' })
  const words = 'develop is the default branch of bob/regrow-main'
  const status = await box.run('scripts/status.mts')
  t.match(status.out + status.err, words)
  const again = await box.run('bootstrap.mts')
  t.equal(again.code, 0, again.err)
  t.match(again.err, `! ${words}`)
  await box.github('PATCH', repository, { default_branch: 'main' })
})

t.test(
  'destroying the kit names the SealedSecrets that die with it, and the next bootstrap those that are dead',
  async (t) => {
    const secret = box.file(
      'secret.yaml',
      'apiVersion: v1\nkind: Secret\nmetadata: {name: database, namespace: shop}\nstringData: {password: x}\n',
    )
    const sealed = await box.run('scripts/seal.mts', [secret])
    t.equal(sealed.code, 0, sealed.err)
    await box.github('PUT', `${repository}/contents/clusters/main/apps/database.yaml`, {
      message: 'Seal',
      content: Buffer.from(sealed.out).toString('base64'),
    })
    const named = '1 SealedSecret in bob/regrow-main (shop/database)'
    const kept = await box.run('scripts/destroy.mts', ['--dry-run'])
    t.notMatch(kept.out + kept.err, 'SealedSecret', 'the kit stays')
    const both = await box.run('scripts/destroy.mts', ['--dry-run', '--with-backups', '--with-repository'])
    t.notMatch(both.out + both.err, 'SealedSecret', 'they go as well')
    const bucket = `regrow-main-${/regrow-main-(\w+)-velero/.exec(grown.err)?.[1]}-velero`
    const gone = await box.run('scripts/destroy.mts', [
      '--with-backups',
      '--yes',
      '--confirm',
      'main',
      '--confirm-backups',
      bucket,
      '--confirm-kit',
      bucket.replace(/velero$/, 'kit'),
    ])
    t.equal(gone.code, 0, gone.err)
    t.match(gone.err, `! ${named} can never be opened again`)
    const plan = await box.run('bootstrap.mts', ['--dry-run'])
    t.match(plan.out, `! ${named} cannot be opened: their key went with the old kit`)
  },
)
