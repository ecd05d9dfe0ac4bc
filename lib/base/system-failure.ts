import { again } from './hint.ts'
import { Problem } from './problem.ts'

const meanings: Record<string, [string, string]> = {
  ENOSPC: ['no space is left on the disk', 'Free some'],
  EDQUOT: ['your quota of the disk is used up', 'Free some'],
  EFBIG: ['the file would be larger than is allowed', 'Raise the limit (ulimit -f)'],
  EROFS: ['it lies on a disk that is read-only', 'Name a folder of yours'],
  EACCES: ['permission denied', 'Name a folder of yours'],
  EPERM: ['permission denied', 'Name a folder of yours'],
  ENOENT: ['there is no such file or folder', 'Make it, or name another'],
  ENOTDIR: ['a part of its path is a file', 'Name another'],
  EISDIR: ['it is a folder', 'Name a file'],
}

/**
 * A refusal of the operating system about a file or a disk, as a Problem; undefined for any other failure.
 * @param thing names it where the system does not
 */
export function systemProblem(error: unknown, thing = 'a file'): Problem | undefined {
  if (!(error instanceof Error) || !('syscall' in error)) return undefined
  const { code = '', path } = error as NodeJS.ErrnoException
  const [meaning, cure] = meanings[code] ?? []
  if (!meaning) return undefined
  return new Problem(`${path ?? thing} cannot be used: ${meaning}`, {
    cure: `${cure}, then run ${again()}: it goes on from here.`,
    cause: error,
  })
}
