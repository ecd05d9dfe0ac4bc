import t from 'tap'
import { kubectlHint, line } from '../../lib/base/hint.ts'
import { cut, wrap } from '../../lib/base/wrap.ts'

t.test('what does not fit goes on below, between two words', async (t) => {
  const text = '  • cluster main is in fra1 and cannot move to ams3, wherever its backups are'
  t.equal(wrap(text, 80), text)
  t.equal(
    wrap(text, 50),
    '  • cluster main is in fra1 and cannot move to\n    ams3, wherever its backups are',
  )
  const word = 'x'.repeat(70)
  t.equal(wrap(`a ${word} b`, 50), `a\n  ${word}\n  b`, 'a word that is too long stays whole')
  t.equal(wrap('one\ntwo', 50), 'one\ntwo')
})

t.test('a row of a table is broken between two columns', async (t) => {
  const row = '  + bucket       regrow-main-cd9304083e-velero  Spaces, 250 GiB           $5.00'
  t.equal(wrap(row, 60), '  + bucket       regrow-main-cd9304083e-velero\n    Spaces, 250 GiB  $5.00')
  t.equal(
    wrap('· sandbox  everything here is simulated; the world is .sandbox/', 50),
    '· sandbox  everything here is simulated; the world\n  is .sandbox/',
    'where the first is short, between two words',
  )
})

t.test('a command is never broken: its second half would be run by itself', async (t) => {
  const command = line('restore.mts', ['--name', 'main', '--backup', 'latest', '--replace'])
  const wrapped = wrap(`→ It is gone. Bring the last backup back: ${command} and wait until it is proven`, 60)
  t.same(wrapped.split('\n').slice(0, 2), ['→ It is gone. Bring the last backup back:', `  ${command} and`])
  process.env.REGROW_SANDBOXED = '1'
  t.teardown(() => delete process.env.REGROW_SANDBOXED)
  const use = kubectlHint('/k')`get pods -A` // made of another, which is a command as well
  t.match(wrap(`kubeconfig   ${use}`, 40, 13).split('\n'), ['kubeconfig', `             ${use}`])
  const long = line('scripts/seal.mts', ['--name', 'main', '--save-certificate', 'somewhere/far/away.pem'])
  t.ok(
    wrap(`→ ${long} writes it`, 40)
      .split('\n')
      .some((one) => one.includes(long)),
  )
})

t.test('a live line ends with a word', async (t) => {
  t.equal(cut('… root is healthy 42 s', 40), '… root is healthy 42 s')
  t.equal(cut('… root is healthy 42 s (root Synced, Degraded)', 40), '… root is healthy 42 s (root Synced, …')
  t.equal(cut('x'.repeat(50), 40), `${'x'.repeat(39)}…`)
})
