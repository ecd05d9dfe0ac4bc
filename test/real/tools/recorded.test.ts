import t from 'tap'
import { openTestBox } from '../../flows/box.ts'
import { life } from './life.ts'
import { doctlShapes, helmShapes, kubectlShapes, type Shape, veleroShapes } from './shapes.ts'

// What the flows of a cluster's life run is recorded in a SIMULATED world and held against the list that
// shapes.test.ts plays with the real tools: each command of theirs, with each of its flags, must stand there.

const shapes: Record<string, readonly Shape[]> = {
  doctl: doctlShapes,
  kubectl: kubectlShapes,
  velero: veleroShapes,
  helm: helmShapes,
}
/** A command line as its command and, each with it, its flags: `compute tag create`, `compute tag create --force`. */
function words(tool: string, line: string): string[] {
  const plain = line.replace(/'[^']*'/g, (quoted) =>
    quoted.startsWith("'jsonpath=") ? 'jsonpath=' : 'quoted',
  )
  const all = plain.split(/[ =]+/)
  const depth =
    tool === 'doctl' && /^(compute|spaces|projects resources)/.test(line) ? 3 : tool === 'doctl' ? 2 : 1
  // What velero and kubectl do to a thing of which kind; kinds themselves are the world's.
  const command = all.slice(0, tool === 'velero' && all[0] !== 'version' ? 2 : depth).join(' ')
  const flags = all.flatMap((word, at) =>
    word === '-o' ? [`${word} ${all[at + 1]}`] : /^--?[a-z]/.test(word) ? [word] : [],
  )
  return [command, ...flags.map((flag) => `${command} ${flag}`)]
}

t.setTimeout(900_000) // on a machine that may be busy
t.test('every command line of the flows is among those that the real tools were held against', async (t) => {
  const box = await openTestBox(t)
  box.behave({ githubScopes: 'repo, delete_repo' })
  const recorded = new Map<string, string>()
  for (const [script, ...more] of life) {
    const ended = await box.run(script, [...more, '--verbose'])
    t.equal(ended.code, 0, `${script} ${more.join(' ')}\n${ended.err}`)
    for (const [, tool = '', line = ''] of ended.err.matchAll(/^ {2}\$ (doctl|kubectl|velero|helm) (.*)$/gm))
      for (const one of words(tool, line)) recorded.set(`${tool} ${one}`, line)
  }
  t.ok(recorded.size > 80, `${recorded.size} commands and flags`)
  const known = new Set(
    Object.entries(shapes).flatMap(([tool, all]) =>
      all.flatMap(({ line }) => words(tool, line).map((one) => `${tool} ${one}`)),
    ),
  )
  t.same(
    [...recorded].filter(([one]) => !known.has(one)),
    [],
    'played by the real tools, too',
  )
})
