import t from 'tap'
import { inOwnNetwork, without } from './ground.ts'
import { goesAt } from './killed.ts'

// REAL: k3s' server, and the node's script for a conversion. The power goes before one of its commands, or while k3s moves
// the database; then the machine boots.

const points = {
  'before the marker': 'place 0600 "$marker"*',
  'before k3s is stopped': 'systemctl stop k3s.service',
  'before the copy': 'cp -a "$db" "$copy.new"',
  'before the copy has its name': 'mv "$copy.new" "$copy"',
  'before the setting': `echo 'cluster-init: true'`,
  'before k3s starts': 'start_k3s',
  'while k3s moves the database': '',
  'before it is told': `write_map 'done'*`,
  'before the copy is removed': 'rm -rf "$copy" "$db.new"*',
}

if (without) t.test('the power goes in a conversion', { skip: without }, async () => {})
else {
  inOwnNetwork(import.meta.filename)
  t.test('the power goes in a conversion', { timeout: 3_600_000 }, (t) => goesAt(t, points))
}
