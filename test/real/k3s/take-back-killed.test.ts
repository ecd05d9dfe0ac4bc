import t from 'tap'
import { inOwnNetwork, without } from './ground.ts'
import { goesAt } from './killed.ts'

// REAL: k3s' server, and the node's script for a conversion. etcd gets no time to take over, so the old database comes back;
// the power goes before one of the commands that bring it, then the machine boots and goes on with time enough.

const points = {
  'before k3s is disabled': 'systemctl disable --now k3s.service',
  'before the copy is copied': 'cp -a "$copy" "$db.new"',
  'before the new database goes': '[ ! -e "$db" ]',
  'before the old one has its name': 'mv "$db.new" "$db"',
  'before the setting goes': 'rm -f "$setting"',
  'before the new one is removed': 'rm -rf "$db.old"',
  'before k3s answers': 'await 120 api_answers',
  'before it is told': 'write_map failed*',
}

if (without) t.test('the power goes while a conversion is taken back', { skip: without }, async () => {})
else {
  inOwnNetwork(import.meta.filename)
  t.test('the power goes while a conversion is taken back', { timeout: 3_600_000 }, (t) =>
    goesAt(t, points, { REGROW_AWAIT: '0' }),
  )
}
