import t from 'tap'
import { isDeleted } from '../../lib/backup/let-go.ts'

// What a person let go with --git-removed drop. The flows: test/real/flows/git-removed.test.ts.

const labels = { 'velero.io/restore-name': 'restore-main-2' }

for (const [name, metadata, wanted] of [
  ['what Velero brought back is deleted', { labels }, true],
  ['what somebody made in the new cluster stays', { labels: {} }, false],
  ['what goes already is not deleted twice', { labels, deletionTimestamp: '2026-11-30T00:00:00Z' }, false],
] as const)
  t.test(name, async (t) => t.equal(isDeleted({ metadata }), wanted))
