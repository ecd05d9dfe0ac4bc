import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openTestBox } from '../../flows/box.ts'
import { life } from './life.ts'

// A whole life in a SIMULATED world by the REAL doctl, kubectl, helm and velero: nothing of it is left at the end.

t.setTimeout(900_000) // on a machine that may be busy
const tools = process.env.REGROW_TOOLS ?? ''
const missing = ['doctl', 'kubectl', 'helm', 'velero'].filter((name) => !existsSync(join(tools, name)))
const skip =
  missing.length > 0 && `REGROW_TOOLS has no ${missing.join(', ')}: ./scripts/tools.mts fetches them`

t.test('every flow ends well with the real tools, and removes everything', { skip }, async (t) => {
  const box = await openTestBox(t)
  box.behave({ githubScopes: 'repo, delete_repo' })
  const env = { REGROW_TOOLS: tools }
  for (const [script, ...more] of life) {
    const ended = await box.run(script, [...more], { env })
    t.equal(ended.code, 0, `${script} ${more.join(' ')}\n${ended.err}`)
    const agents = ended.requests.map(({ agent }) => agent ?? '')
    t.notOk(
      agents.some((one) => one.includes('stand-in')),
      'no stand-in was asked',
    )
    if (script === 'bootstrap.mts')
      t.ok(
        agents.some((one) => /^doctl\//.test(one)),
        'doctl was',
      )
  }
  for (const [path, kind] of [
    ['/v2/droplets', 'droplets'],
    ['/v2/volumes', 'volumes'],
    ['/v2/reserved_ips', 'reserved_ips'],
    ['/v2/firewalls', 'firewalls'],
    ['/v2/account/keys', 'ssh_keys'],
    ['/v2/spaces/keys', 'keys'],
  ] as const)
    t.same((await box.cloud('GET', path))[kind], [], kind)
  await t.rejects(box.github('GET', '/repos/bob/regrow-main'), /404/)
})
