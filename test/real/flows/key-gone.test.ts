import t from 'tap'
import { z } from 'zod'
import { openTestBox } from '../../flows/box.ts'

// A SIMULATED cluster whose own key to the backups somebody deleted at DigitalOcean: its backups would fail unheard.

t.setTimeout(300_000) // on a machine that may be busy
const box = await openTestBox(t)
t.equal((await box.run('bootstrap.mts')).code, 0)

const clusterKeys = async () =>
  z
    .array(z.object({ name: z.string(), access_key: z.string() }))
    .parse((await box.cloud('GET', '/v2/spaces/keys')).keys)
    .filter(({ name }) => name.includes('-velero-'))
const phase = async () =>
  (
    await box.run('kubectl', [
      ...['get', 'backupstoragelocation', 'default', '-n', 'velero'],
      ...['-o', 'jsonpath={.status.phase}'],
    ])
  ).out

t.test('status names it', async (t) => {
  const [key] = await clusterKeys()
  await box.cloud('DELETE', `/v2/spaces/keys/${key?.access_key}`)
  const look = ['annotate', 'backupstoragelocation', 'default', '-n', 'velero', 'look=again']
  t.equal((await box.run('kubectl', look)).code, 0)
  while ((await phase()) !== 'Unavailable') await new Promise((done) => setTimeout(done, 200))
  const { out } = await box.run('scripts/status.mts')
  t.match(out, /troubles +BackupStorageLocation "default" is unavailable: /)
})

t.test('the next bootstrap gives it another, and says so', async (t) => {
  const mended = await box.run('bootstrap.mts')
  t.equal(mended.code, 0, mended.err)
  t.match(mended.err, /^~ key to the backups in the cluster {2}was gone: a new one/m)
  t.equal(await phase(), 'Available')
  t.equal((await clusterKeys()).length, 1)
  const taken = await box.run('scripts/backup.mts', ['--backup', 'afterwards'])
  t.equal(taken.code, 0, taken.err)
})

t.test('and the one after that changes nothing', async (t) => {
  const again = await box.run('bootstrap.mts')
  t.equal(again.code, 0, again.err)
  t.notMatch(again.err, /^[+~-] /m)
})
