import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where tools are looked for before PATH: `.tools` of this project, or the folder named by `REGROW_TOOLS`. */
export function toolsFolder(): string {
  return process.env.REGROW_TOOLS ?? join(dirname(dirname(fileURLToPath(import.meta.url))), '.tools')
}
