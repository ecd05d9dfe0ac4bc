import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Secret } from '../../lib/base/secret.ts'
import {
  connectDigitalOcean,
  type DigitalOcean,
  DigitalOceanRefusal,
} from '../../lib/clients/digitalocean.ts'
import { scopeOf } from '../../lib/clients/digitalocean-scopes.ts'
import { inventory } from '../../lib/cluster/ours.ts'
import { type Kind, kinds, resources, steps } from '../../lib/cluster/resources.ts'
import { openState } from '../../sandbox/digitalocean/state.ts'
import { shapes } from '../../sandbox/tools/doctl-shapes.ts'
import { nothingThere } from '../digitalocean/nothing-there.ts'
import { fresh } from '../sandbox/digitalocean-ground.ts'

// A doctl that tells what it was called with.
const folder = t.testdir()
writeFileSync(join(folder, 'doctl'), '#!/bin/sh\nshift 6\necho "$@"\n')
chmodSync(join(folder, 'doctl'), 0o755)
Object.assign(process.env, {
  REGROW_TOOLS: folder,
  DIGITALOCEAN_TOKEN: 'dop_v1_mine',
  GITHUB_TOKEN: 'ghp_mine0000',
})

t.test('the table, the inventory and the sandbox know the same kinds', async (t) => {
  const found = await inventory(nothingThere, 'main')
  t.same(Object.keys(found).sort(), [...kinds, 'others', 'unseen'].sort())
  const { world } = await fresh(t)
  const lists = Object.entries(openState(world)).flatMap(([name, one]) => (Array.isArray(one) ? [name] : []))
  t.same(lists.sort(), [...kinds, 'tags', 'actions'].sort(), 'but for what is nobody’s')
  t.same(steps.flat().sort(), [...kinds].sort(), 'each goes once')
})

t.test('the sandbox lists each kind and removes it as the table says, under its scope', async (t) => {
  const { url, token } = await fresh(t)
  const cloud = await connectDigitalOcean(url, new Secret(token))
  const setup = readFileSync(new URL('../../docs/setup.md', import.meta.url), 'utf8')
  for (const kind of kinds) {
    const { label, scope, list, remove } = resources[kind]
    t.type(await list(cloud, 'main', Promise.resolve(undefined)), Array, label)
    const [command = '', flags] = (await remove('7')).text.trim().split(' 7')
    t.equal(flags ?? '', shapes[command]?.flags ? ' --force' : '', `${label}: nobody is asked once more`)
    const asked: string[] = []
    const api = { delete: async (path: string) => asked.push(path) }
    await shapes[command]?.run({ api, words: ['7'] } as never)
    t.same(
      asked.map((path) => scopeOf('DELETE', `/v2${path}`)),
      [`${scope}:delete`],
      `${label}: ${command}`,
    )
    t.match(setup, new RegExp(`\`${scope}\``), `docs/setup.md lists the scope of ${label}`)
  }
})

t.test('each kind is called something of its own', async (t) => {
  t.equal(new Set(kinds.map((kind) => resources[kind].label)).size, kinds.length)
})

t.test('what is known by other things goes before them, and what holds others goes last', async (t) => {
  const at = (kind: Kind) => steps.findIndex((step) => step.includes(kind))
  const goes: Kind[] = ['loadBalancers', 'droplets', 'volumes', 'snapshots', 'vpcs', 'projects']
  t.same(
    goes.toSorted((a, b) => at(a) - at(b)),
    goes,
  )
  t.equal(new Set(goes.map(at)).size, goes.length)
  t.equal(at('projects'), steps.length - 1)
})

/** The same account, where looks of some names are refused. */
const refusing = (looks: ReadonlySet<string>): DigitalOcean =>
  new Proxy(nothingThere, {
    get: (all, name) =>
      looks.has(String(name))
        ? () => Promise.reject(new DigitalOceanRefusal(403, 'no', undefined, undefined))
        : Reflect.get(all, name),
  })

t.test('a token without the scope of a kind stops every flow, unless no flow needs that kind', async (t) => {
  for (const kind of kinds) {
    const looks = new Set<string>()
    const noting = new Proxy(nothingThere, {
      get: (all, name) => {
        looks.add(String(name))
        return Reflect.get(all, name)
      },
    })
    await resources[kind].list(noting, 'main', Promise.resolve(undefined))
    const found = inventory(refusing(looks), 'main')
    if (resources[kind].optional) t.match(await found, { unseen: [kind], [kind]: [] }, kind)
    else await t.rejects(found, { message: 'no' }, kind)
  }
  t.same(
    kinds.filter((kind) => resources[kind].optional),
    ['loadBalancers'],
  )
})
