import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import t from 'tap'
import { mayChange } from '../../lib/base/change.ts'
import { endAll } from '../../lib/base/ending.ts'
import type { GitHub } from '../../lib/clients/github.ts'
import { GitHubRefusal } from '../../lib/clients/github-refusal.ts'
import { lockChanges, lockHolder, lockTip, wasReleasedSince } from '../../lib/cluster/lock.ts'

const place = { owner: 'bob', name: 'regrow-main' }

/** GitHub as far as a lock needs it: commits, and refs that only move forwards. */
function fakeGitHub() {
  const commits = new Map<string, { message: string; parents: string[] }>([
    ['c0', { message: 'first', parents: [] }],
  ])
  const refs = new Map([['heads/main', 'c0']])
  const github: Partial<GitHub> = {
    ref: async (_, ref) => refs.get(ref),
    commit: async (_, sha) => ({
      sha,
      message: commits.get(sha)?.message ?? '',
      tree: { sha: 't' },
      parents: (commits.get(sha)?.parents ?? []).map((one) => ({ sha: one })),
    }),
    writeCommit: async (_, message, __, parents) => {
      const sha = `c${commits.size}`
      commits.set(sha, { message, parents })
      return sha
    },
    createRef: async (_, ref, sha) => {
      if (refs.has(ref)) throw new GitHubRefusal('create ref', 422, 'Reference already exists')
      refs.set(ref, sha)
    },
    moveRef: async (_, ref, sha) => {
      if (!commits.get(sha)?.parents.includes(refs.get(ref) ?? ''))
        throw new GitHubRefusal('move ref', 422, 'not a fast forward')
      refs.set(ref, sha)
    },
  }
  return { github: github as GitHub, refs, commits }
}

const held = (more: object) =>
  `regrow lock\n\n${JSON.stringify({ state: 'held', flow: 'bootstrap', who: 'carol', host: 'elsewhere', pid: 1, started: 'x', at: '2026-11-23T10:00:00Z', ...more })}\n`
const locking = (more: object = {}) => ({ flow: 'bootstrap', steal: false, taken: async () => {}, ...more })

t.afterEach(() => endAll())

t.test(
  'the first change takes the lock, the end releases it, and a run without change writes nothing',
  async (t) => {
    const { github, refs, commits } = fakeGitHub()
    lockChanges(github, place, locking())
    t.equal(commits.size, 1)
    const looked = performance.now()
    t.equal(await mayChange(looked), true, 'taken after the look')
    t.equal(await mayChange(performance.now()), false, 'held already')
    t.equal(await mayChange(looked), true, 'what was seen before is still to be looked at again')
    t.match(await lockHolder(github, place), { holder: /bootstrap, process/, isDead: false })
    await endAll()
    t.equal(await lockHolder(github, place), undefined)
    t.equal(refs.get('regrow/lock'), 'c2')
  },
)

t.test('somebody else’s lock is refused with the holder’s name', async (t) => {
  const { github, refs, commits } = fakeGitHub()
  commits.set('l1', { message: held({}), parents: [] })
  refs.set('regrow/lock', 'l1')
  lockChanges(github, place, locking())
  await t.rejects(mayChange(), { message: /locked by carol on elsewhere/, cure: /--steal-lock/ })
  t.equal(refs.get('regrow/lock'), 'l1')
})

t.test('--steal-lock takes it over', async (t) => {
  const { github, refs, commits } = fakeGitHub()
  commits.set('l1', { message: held({}), parents: [] })
  refs.set('regrow/lock', 'l1')
  lockChanges(github, place, locking({ steal: true }))
  t.equal(await mayChange(0), true)
})

t.test(
  'a process of this host that is dead is taken over; one of a container with the same name is not',
  async (t) => {
    const processes = readlinkSync('/proc/self/ns/pid')
    const { github, refs, commits } = fakeGitHub()
    const dead = { host: hostname(), processes, pid: 4_194_303 }
    commits.set('l1', { message: held({ ...dead, processes: 'pid:[1]' }), parents: [] })
    refs.set('regrow/lock', 'l1')
    lockChanges(github, place, locking())
    await t.rejects(mayChange(), { message: /locked by carol/ })
    commits.set('l1', { message: held(dead), parents: [] })
    lockChanges(github, place, locking())
    t.equal(await mayChange(0), true)
  },
)

t.test('a holder that ended and was not reaped by its parent counts as dead', async (t) => {
  // It ends after the shell has become a program that reaps nobody.
  const parent = spawn('sh', ['-c', 'sleep 0.3 & echo $!; exec sleep 60'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  t.teardown(() => parent.kill())
  const [said] = (await once(parent.stdout, 'data')) as [Buffer]
  const pid = Number(said.toString())
  const fields = () => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').pop()?.split(' ') ?? []
  while (fields()[0] !== 'Z') await new Promise((resolve) => setTimeout(resolve, 10))
  const { github, refs, commits } = fakeGitHub()
  const holder = {
    host: hostname(),
    processes: readlinkSync('/proc/self/ns/pid'),
    pid,
    started: fields()[19],
  }
  commits.set('l1', { message: held(holder), parents: [] })
  refs.set('regrow/lock', 'l1')
  lockChanges(github, place, locking())
  t.equal(await mayChange(0), true)
})

t.test('a run without change releases the lock of one that was killed at its very end', async (t) => {
  const { github, refs, commits } = fakeGitHub()
  const dead = { host: hostname(), processes: readlinkSync('/proc/self/ns/pid'), pid: 4_194_303 }
  commits.set('l1', { message: held(dead), parents: [] })
  refs.set('regrow/lock', 'l1')
  lockChanges(github, place, locking())
  await endAll()
  t.equal(await lockHolder(github, place), undefined)
  commits.set('l2', { message: held({}), parents: [] })
  refs.set('regrow/lock', 'l2')
  lockChanges(github, place, locking())
  await endAll()
  t.equal(refs.get('regrow/lock'), 'l2', 'one that may be alive is left alone')
})

t.test('a request that did not come through is made again; a refusal is told as it is', async (t) => {
  const { github, refs } = fakeGitHub()
  const create = github.createRef
  const refuse = (status: number | undefined) => {
    github.createRef = async () => {
      github.createRef = create
      throw new GitHubRefusal('create ref', status, 'no')
    }
  }
  refuse(undefined)
  lockChanges(github, place, locking())
  t.equal(await mayChange(0), true)
  await endAll()
  refs.delete('regrow/lock')
  refuse(403)
  lockChanges(github, place, locking())
  await t.rejects(mayChange(), { message: /GitHub refused to create ref: 403/ })
})

t.test('a slow holder that was stolen from finds out before its next change', async (t) => {
  const { github, refs, commits } = fakeGitHub()
  lockChanges(github, place, locking())
  await mayChange()
  commits.set('l9', { message: held({ who: 'dave' }), parents: [refs.get('regrow/lock') ?? ''] })
  refs.set('regrow/lock', 'l9')
  await t.rejects(mayChange(), { message: /taken over by dave/ })
  await endAll()
  t.equal(refs.get('regrow/lock'), 'l9', 'and does not release what is not its own')
})

t.test(
  'two first changes of one run both wait for what was read to be checked, and both look again',
  async (t) => {
    const { github } = fakeGitHub()
    let checked = false
    lockChanges(
      github,
      place,
      locking({
        taken: async () => {
          await new Promise((resolve) => setTimeout(resolve, 20))
          checked = true
        },
      }),
    )
    const looked = performance.now()
    const first = mayChange(looked)
    const second = mayChange(looked).then((again) => [again, checked])
    t.equal(await first, true)
    t.same(await second, [true, true])
  },
)

t.test('a run that was interrupted changes nothing more once its lock is released', async (t) => {
  const { github } = fakeGitHub()
  lockChanges(github, place, locking())
  await mayChange()
  await endAll()
  await t.rejects(mayChange(), { message: /is ending/ })
})

t.test('of two at the same moment one gets it', async (t) => {
  const { github, refs, commits } = fakeGitHub()
  const create = github.createRef
  github.createRef = async (...words) => {
    commits.set('l1', { message: held({}), parents: [] })
    refs.set('regrow/lock', 'l1')
    return create(...words)
  }
  lockChanges(github, place, locking())
  await t.rejects(mayChange(), { message: /same moment: carol/ })
})

/** GitHub that can be read, and answers every write of the lock's ref so. */
function readOnlyGitHub(status: number | undefined) {
  const fake = fakeGitHub()
  const refuse = async () => {
    throw new GitHubRefusal('move ref', status, 'no')
  }
  Object.assign(fake.github, { createRef: refuse, moveRef: refuse })
  return fake
}

t.test('a run that may go on without the lock is told so once, and releases nothing', async (t) => {
  for (const status of [403, 404, 503, undefined]) {
    const { github, refs } = readOnlyGitHub(status)
    const told: unknown[] = []
    lockChanges(github, place, locking({ without: (why: GitHubRefusal) => told.push(why.status) }))
    t.equal(await mayChange(0), true, 'what was seen before is looked at again')
    await mayChange()
    t.same(told, [status])
    await endAll()
    t.equal(refs.has('regrow/lock'), false)
  }
})

t.test(
  'whether a run that saw the lock ever ended, or was killed and all that took over from it too',
  async (t) => {
    const { github, refs, commits } = fakeGitHub()
    lockChanges(github, place, locking())
    await mayChange()
    const tip = (await lockTip(github, place)) ?? ''
    t.equal(await wasReleasedSince(github, place, tip), false, 'it holds it')
    commits.set('l8', { message: held({}), parents: [tip] })
    commits.set('l9', { message: held({ who: 'dave' }), parents: ['l8'] })
    refs.set('regrow/lock', 'l9')
    t.equal(await wasReleasedSince(github, place, tip), false, 'two took over, and no one ended')
    commits.set('l10', { message: held({ state: 'released' }), parents: ['l9'] })
    commits.set('l11', { message: held({}), parents: ['l10'] })
    for (const sha of ['l10', 'l11']) {
      refs.set('regrow/lock', sha)
      t.equal(await wasReleasedSince(github, place, tip), true, `one ended: ${sha}`)
    }
    t.equal(await wasReleasedSince(github, place, 'elsewhere'), true, 'its chain was begun anew')
  },
)

t.test('one who cannot write commits at all goes on just the same', async (t) => {
  const { github } = fakeGitHub()
  github.writeCommit = async () => {
    throw new GitHubRefusal('write a commit', 403, 'Resource not accessible by personal access token')
  }
  let told = 0
  lockChanges(github, place, locking({ without: () => told++ }))
  t.equal(await mayChange(0), true)
  t.equal(told, 1)
})

t.test('a lock that somebody else has is no lock that cannot be moved', async (t) => {
  const { github, refs, commits } = readOnlyGitHub(403)
  const without = () => t.fail('goes on beside a run that is alive')
  commits.set('l1', { message: held({}), parents: [] })
  refs.set('regrow/lock', 'l1')
  lockChanges(github, place, locking({ without }))
  await t.rejects(mayChange(), { message: /locked by carol/ })
  await endAll()
  refs.delete('regrow/lock')
  github.createRef = async () => {
    refs.set('regrow/lock', 'l1')
    throw new GitHubRefusal('create ref', 422, 'Reference already exists')
  }
  lockChanges(github, place, locking({ without }))
  await t.rejects(mayChange(), { message: /same moment: carol/ })
})

t.test('without the lock, the next change after another run took it is refused', async (t) => {
  const { github, refs, commits } = readOnlyGitHub(403)
  lockChanges(github, place, locking({ without: () => {} }))
  await mayChange()
  commits.set('l9', { message: held({ who: 'dave' }), parents: [] })
  refs.set('regrow/lock', 'l9')
  await t.rejects(mayChange(), { message: /taken over by dave/ })
})

t.test('a lock that was had and lost to another run is refused, whoever may go on without', async (t) => {
  const { github, refs, commits } = fakeGitHub()
  lockChanges(github, place, locking({ without: () => t.fail('it was moved') }))
  await mayChange()
  commits.set('l9', { message: held({ who: 'dave' }), parents: [refs.get('regrow/lock') ?? ''] })
  refs.set('regrow/lock', 'l9')
  await t.rejects(mayChange(), { message: /taken over by dave/ })
})

t.test('a repository that cannot be read is refused, whoever may go on without the lock', async (t) => {
  const { github } = readOnlyGitHub(403)
  const read = github.ref
  let looks = 0
  github.ref = async (...words) => {
    if (++looks > 2) throw new GitHubRefusal('read ref', 503, 'no')
    return read(...words)
  }
  lockChanges(github, place, locking({ without: () => t.fail('it cannot be read') }))
  await t.rejects(mayChange(), { message: /read ref: 503/ })
})
