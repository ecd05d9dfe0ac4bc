import { Problem } from './problem.ts'
import { Secret } from './secret.ts'

/** The addresses that regrow talks to; each can be set by an environment variable, for a rehearsal or a mirror. */
export interface Endpoints {
  /** DigitalOcean API without `/v2`. */
  digitalocean: string
  /** GitHub REST API. */
  github: string
  /** S3 endpoint of Spaces in a region. */
  spaces(region: string): string
  /** Where a chart, raw file or release is fetched from: the upstream address itself, or a mirror's. */
  upstream(address: string): string
}

/** The endpoints in force: the public ones unless `REGROW_DIGITALOCEAN_URL` and its like say otherwise. */
export function endpoints(env: NodeJS.ProcessEnv = process.env): Endpoints {
  const mirror = env.REGROW_UPSTREAM_URL?.replace(/\/$/, '')
  const spaces = env.REGROW_SPACES_URL ?? 'https://{region}.digitaloceanspaces.com'
  return {
    digitalocean: (env.REGROW_DIGITALOCEAN_URL ?? 'https://api.digitalocean.com').replace(/\/$/, ''),
    github: (env.REGROW_GITHUB_URL ?? 'https://api.github.com').replace(/\/$/, ''),
    spaces: (region) => spaces.replaceAll('{region}', region).replace(/\/$/, ''),
    upstream: (address) => (mirror ? `${mirror}/${address.replace(/^https:\/\//, '')}` : address),
  }
}

/** The person's tokens, as found in the environment; what is missing is asked for on a terminal by `run`. */
export interface Tokens {
  digitalocean: Secret
  github: Secret
  /** The DigitalOcean token that lives in the cluster: `REGROW_CSI_TOKEN`, or the main one. */
  csi: Secret
  /** True when the main token has to do for the cluster too. */
  csiIsMain: boolean
}

const names = {
  digitalocean: ['DIGITALOCEAN_TOKEN', 'DIGITALOCEAN_ACCESS_TOKEN'],
  github: ['GITHUB_TOKEN', 'GH_TOKEN'],
} as const

/** The names of the variables that are still missing; empty when both tokens are there. */
export function missingTokens(env: NodeJS.ProcessEnv = process.env): (keyof typeof names)[] {
  return (['digitalocean', 'github'] as const).filter(
    (kind) => !names[kind].some((name) => env[name]?.trim()),
  )
}

/** Reads both tokens. @throws Problem (exit code 2) naming the variable that is missing. */
export function tokens(env: NodeJS.ProcessEnv = process.env): Tokens {
  const read = (kind: keyof typeof names) => {
    const value = names[kind].map((name) => env[name]?.trim()).find(Boolean)
    if (!value)
      throw new Problem(`${names[kind][0]} is not set`, {
        cure: `export ${names[kind][0]}=… (see docs/setup.md for the permissions it needs)`,
        exitCode: 2,
      })
    return new Secret(value)
  }
  const digitalocean = read('digitalocean')
  const csi = env.REGROW_CSI_TOKEN?.trim()
  return { digitalocean, github: read('github'), csi: csi ? new Secret(csi) : digitalocean, csiIsMain: !csi }
}
