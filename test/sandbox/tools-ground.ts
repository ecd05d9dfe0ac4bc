import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

/** What a tool answered. */
export interface Answer {
  code: number | null
  out: string
  err: string
}

/** Starts a stand-in (or whatever lies in `binDir` under that name) as a shell would. */
export function start(binDir: string, words: string[], env: NodeJS.ProcessEnv, cwd?: string): ChildProcess {
  const [tool = '', ...argv] = words
  return spawn(join(binDir, tool), argv, { env: { PATH: process.env.PATH, ...env }, ...(cwd ? { cwd } : {}) })
}

/** Runs a tool to its end. */
export async function run(
  binDir: string,
  words: string[],
  env: NodeJS.ProcessEnv,
  { cwd, input = '' }: { cwd?: string; input?: string } = {},
): Promise<Answer> {
  const child = start(binDir, words, env, cwd)
  const code = new Promise<number | null>((resolve) => child.once('close', resolve))
  child.stdin?.on('error', () => {})
  child.stdin?.end(input)
  const [out, err] = await Promise.all([child.stdout, child.stderr].map((pipe) => (pipe ? text(pipe) : '')))
  return { code: await code, out: out ?? '', err: err ?? '' }
}
