import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { guardChanges } from '../../lib/base/change.ts'
import { Problem } from '../../lib/base/problem.ts'
import type { Cluster } from '../../lib/cluster/cluster.ts'
import { removeCloud } from '../../lib/commands/destroy/remove.ts'
import { ensureSshKey } from '../../lib/machines/foundation/ssh-key.ts'
import type { Kit } from '../../lib/store/kit.ts'
import { nothingThere } from './nothing-there.ts'

// Beside a doctl that does nothing but end as said.
function doctlThatEnds(code: number): void {
  const tools = t.testdir()
  const file = join(tools, 'doctl')
  writeFileSync(file, `#!/bin/sh\nexit ${code}\n`)
  chmodSync(file, 0o755)
  Object.assign(process.env, {
    REGROW_TOOLS: tools,
    DIGITALOCEAN_TOKEN: 'dop_v1_mine',
    GITHUB_TOKEN: 'ghp_mine0000',
  })
}

t.test('the SSH key that a person renamed is named, and not ordered again and again', async (t) => {
  doctlThatEnds(1)
  const key = { id: '7', name: 'my laptop', fingerprint: '', public_key: 'ssh-ed25519 AAAA main' }
  const cluster = { name: 'main', cloud: { sshKeys: async () => [key] } } as unknown as Cluster
  const kit = { ssh: { publicKey: 'ssh-ed25519 AAAA' } } as Kit
  await t.rejects(ensureSshKey(cluster, kit), {
    message: 'the cluster’s SSH key is at DigitalOcean under another name, “my laptop”',
    cure: /doctl --config \/dev\/null compute ssh-key update 7 --ssh-key-name main-key/,
  })
})

t.test('a removal that waits finds out that its lock was stolen', async (t) => {
  doctlThatEnds(0)
  const description = 'Grown by regrow: cluster main'
  const project = { id: 'p1', name: 'regrow-main', is_default: false, description }
  const cloud = {
    ...nothingThere,
    projects: async () => [project],
    // The address was removed, and given at once to the one who stole.
    reservedIps: async () => [{ ip: '192.0.2.1', region: { slug: 'fra1' }, project_id: 'p1' }],
  }
  const cluster = { name: 'main', tag: 'regrow:main', cloud } as unknown as Cluster
  let changes = 0
  guardChanges(async () => {
    if (++changes > 1) throw new Problem('the lock was taken over')
    return 0
  })
  const nothing = new Set<string>()
  await t.rejects(
    removeCloud(cluster, { ids: nothing, noted: nothing, seen: { '192.0.2.1': 'reserved IP 192.0.2.1' } }),
    {
      message: 'the lock was taken over',
    },
  )
  t.equal(changes, 2, 'it asked once for the removal and once while it waited')
})
