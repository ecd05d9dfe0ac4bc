import { Problem } from '../../base/problem.ts'

/** What one run of scale is asked for; `finish` only brings to its end what was begun. */
export type ScaleRequest =
  | { verb: 'add'; count: number; role: 'server' | 'agent'; size: string | undefined }
  | { verb: 'remove'; names: string[] }
  | { verb: 'size'; size: string; node: string | undefined }
  | { verb: 'replace'; node: string }
  | { verb: 'ha' }
  | { verb: 'finish' }

/** The flags that say it, as they were typed. */
export interface ScaleFlags {
  add?: string | undefined
  remove?: string | undefined
  replace?: string | undefined
  role?: string | undefined
  size?: string | undefined
  node?: string | undefined
  'drain-timeout'?: string | undefined
  ha: boolean
}

/** k3s gives each node a /24 of the pods' /16. */
const mostNodes = 256

/** What the flags ask for. @throws Problem (exit code 2) for what cannot be meant */
export function readRequest(flags: ScaleFlags): ScaleRequest {
  const verbs = (['add', 'remove', 'replace', 'ha'] as const).filter((verb) => flags[verb])
  if (verbs.length > 1) throw wrong(`--${verbs.join(' and --')} are two things`, 'Do one after the other.')
  const [verb] = verbs
  const only = (flag: 'size' | 'role' | 'node', where: string, allowed: boolean) => {
    if (flags[flag] !== undefined && !allowed) throw wrong(`--${flag} belongs to ${where}`)
  }
  only('role', '--add', verb === 'add')
  only('size', '--add, or stands alone', verb === 'add' || verb === undefined)
  only('node', '--size', verb === undefined && flags.size !== undefined)
  if (flags.size !== undefined && !/^[a-z0-9][a-z0-9.-]*$/.test(flags.size))
    throw wrong(`“${flags.size}” is not a size`, 'Write one such as s-2vcpu-4gb.')
  if (verb === 'add')
    return { verb, count: countOf(flags.add ?? ''), role: roleOf(flags.role ?? 'agent'), size: flags.size }
  if (verb === 'remove') return { verb, names: namesOf(flags.remove ?? '') }
  if (verb === 'replace') return { verb, node: flags.replace ?? '' }
  if (verb === 'ha') return { verb }
  if (flags.size !== undefined) return { verb: 'size', size: flags.size, node: flags.node }
  return { verb: 'finish' }
}

/** Seconds of a duration such as `90s`, `10m` or `1h`. @throws Problem (exit code 2) */
export function secondsOf(text: string): number {
  const [, amount = '', unit = ''] = text.match(/^([1-9]\d{0,4})(s|m|h)$/) ?? []
  const seconds = Number(amount) * ({ s: 1, m: 60, h: 3600 }[unit] ?? 0)
  if (!seconds || seconds > 86_400)
    throw wrong(`“${text}” is not a time`, 'Write 90s, 10m or 1h; a day at most.')
  return seconds
}

function countOf(text: string): number {
  if (!/^[1-9]\d*$/.test(text) || Number(text) > mostNodes)
    throw wrong(`--add ${text} is not a number of machines`, `Take a whole number from 1 to ${mostNodes}.`)
  return Number(text)
}

function roleOf(text: string): 'server' | 'agent' {
  if (text === 'server' || text === 'agent') return text
  throw wrong(`“${text}” is not a role`, 'Take agent (runs pods) or server (takes part in etcd, too).')
}

function namesOf(text: string): string[] {
  const names = text.split(',').map((name) => name.trim())
  if (names.includes('')) throw wrong('--remove names nothing', 'Write --remove NAME[,NAME].')
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice) throw wrong(`--remove names ${twice} twice`)
  return names
}

const wrong = (message: string, cure = '--help lists what scale takes.') =>
  new Problem(message, { cure, exitCode: 2 })
