import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { isDryRun, showCommand } from './dry-run.ts'
import { line, sameCommand } from './hint.ts'
import { projectFolder } from './project.ts'

/** How a script of ours ended; `out` is what it printed on stdout. */
export interface ScriptEnd {
  code: number | null
  out: string
}

/**
 * Runs a script of this project as a person would, in the same folder and with the same tokens; its story goes to
 * stderr as it is told.
 * @param script its path in the project, such as `restore.mts`
 */
export async function script(script: string, ...words: string[]): Promise<ScriptEnd> {
  if (isDryRun()) {
    showCommand(line(script, words))
    return { code: 0, out: '' }
  }
  const file = join(projectFolder, script)
  const child = spawn(process.execPath, [...process.execArgv, file, ...words], {
    stdio: ['inherit', 'pipe', 'inherit'],
    // What a person gives again is this run's command.
    env: { ...process.env, REGROW_RUN_BY: sameCommand() },
  })
  const ended = new Promise<number | null>((resolve, reject) =>
    child.once('exit', resolve).once('error', reject),
  )
  const [out, code] = await Promise.all([text(child.stdout), ended])
  return { code, out }
}
