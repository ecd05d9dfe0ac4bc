import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/** Whether there is a process of this number here, ours or another's. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** The system's name for the process numbers that are seen here (pid_namespaces(7)); empty where it has none. */
export function processes(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return ''
  }
}

/** When a process of this host started, as the system tells it; undefined when there is none, or it only is not reaped. */
export function startOf(pid: number): string | undefined {
  try {
    // Fields 3 (state) and 22 of /proc/<pid>/stat, counted behind the command's closing parenthesis (proc(5)).
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').pop()?.split(' ')
    return fields?.[0] === 'Z' ? undefined : fields?.[19]
  } catch {
    return isAlive(pid) ? startByPs(pid) : undefined
  }
}

function startByPs(pid: number): string {
  const asked = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' })
  return asked.stdout?.trim() || 'unknown'
}

/** This process as a name can carry it: the computer, the number, the start; hashed where it is not digits alone. */
export const thisProcess = (): string =>
  `${computer()}-${process.pid}-${short(startOf(process.pid) ?? 'unknown')}`

/** What is known of a process by what `thisProcess` said in it: nothing, where it runs or ran on another computer. */
export function fateOf(told: string): 'alive' | 'dead' | 'unknown' {
  const [where, pid, started] = told.split('-')
  if (where !== computer()) return 'unknown'
  const start = startOf(Number(pid))
  return start !== undefined && short(start) === started ? 'alive' : 'dead'
}

const computer = () => short(`${hostname()} ${processes()}`)

const short = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 6)
