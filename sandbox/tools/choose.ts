import { missingTools } from '../../lib/commands/tools/found.ts'
import { toolNames } from './server.ts'

/**
 * The tools that need a stand-in: those that are neither in `.tools/` nor on the PATH in a version that is accepted;
 * all of them where `REGROW_SANDBOX_TOOLS` says `stand-ins`.
 */
export async function toolsToStandInFor(): Promise<readonly string[]> {
  if (process.env.REGROW_SANDBOX_TOOLS === 'stand-ins') return toolNames
  return (await missingTools()).map((one) => one.name)
}
