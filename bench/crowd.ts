import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { counts, folder, forget, mostAMinute, requestsSince, run, seen } from './work.ts'

/** What it takes to let a cluster grow to a hundred machines. */
export interface Crowd {
  machines: number
  requests: Record<string, string>
  /** Of 5,000 an hour; DigitalOcean's own list of limits. */
  anHour: number
  /** Of 250 a minute. */
  aMinute: number
  /** Requests that DigitalOcean refused because there were too many. */
  refused: number
  seconds: number
}

/** Grows one server and 99 agents, in a world that refuses what DigitalOcean's limits would. */
export function growCrowd(): Crowd {
  forget()
  run(['bootstrap.mts', '--sandbox'])
  const behaviour = { digitalocean: { limits: { droplets: 200 }, requestsPerMinute: 250 } }
  writeFileSync(join(folder, '.sandbox', 'behaviour.json'), JSON.stringify(behaviour))
  // The box lets everybody be as quick as they can, unless they are told otherwise.
  const pace = { REGROW_REQUESTS_PER_MINUTE: '200' }
  const from = seen()
  const { seconds, out } = run(['scale.mts', '--sandbox', '--add', '99', '--json'], 0, pace)
  const own = requestsSince(from).filter((one) => one.service === 'digitalocean')
  const { nodes } = JSON.parse(out) as { nodes: unknown[] }
  return {
    machines: nodes.length,
    requests: counts(from),
    anHour: own.length,
    aMinute: mostAMinute(own, 'digitalocean'),
    refused: own.filter((one) => one.status === 429).length,
    seconds,
  }
}
