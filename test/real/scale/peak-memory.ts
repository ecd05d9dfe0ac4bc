/**
 * What a process of its own needs to tell the most memory that it had (MB): the text of a function `peakMemory()`. The
 * kernel's `maxRSS` would tell the memory of who started it, where that was more.
 */
export const peakMemory = `import { existsSync as isThere, readFileSync as readText } from 'node:fs'
const peakMemory = () => {
  const status = '/proc/self/status'
  const own = isThere(status) && /VmHWM:\\s+(\\d+) kB/.exec(readText(status, 'utf8'))?.[1]
  return Math.round(Number(own || process.resourceUsage().maxRSS) / 1024)
}`
