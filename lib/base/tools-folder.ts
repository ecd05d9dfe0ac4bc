import { join } from 'node:path'
import { projectFolder } from './project.ts'

/** Where tools are looked for before PATH: `.tools` of this project, or the folder named by `REGROW_TOOLS`. */
export function toolsFolder(): string {
  return process.env.REGROW_TOOLS ?? join(projectFolder, '.tools')
}
