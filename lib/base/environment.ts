import { again } from './hint.ts'
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
  const at = (name: string, usual: string) => {
    const address = (env[name] || usual).replace(/\/$/, '')
    if (!/^https?:\/\//.test(address) || !URL.canParse(address.replaceAll('{region}', 'fra1')))
      throw new Problem(`${name} is “${address}”, which is not an address`, {
        cure: `Set it to one such as ${usual}, or unset it.`,
        exitCode: 2,
      })
    return address
  }
  const mirror = env.REGROW_UPSTREAM_URL ? at('REGROW_UPSTREAM_URL', 'https://mirror.example.org') : undefined
  const spaces = at('REGROW_SPACES_URL', 'https://{region}.digitaloceanspaces.com')
  return {
    digitalocean: at('REGROW_DIGITALOCEAN_URL', 'https://api.digitalocean.com'),
    github: at('REGROW_GITHUB_URL', 'https://api.github.com'),
    spaces: (region) => spaces.replaceAll('{region}', region),
    upstream: (address) => (mirror ? `${mirror}/${address.replace(/^https:\/\//, '')}` : address),
  }
}

let leftOut: string | undefined

/**
 * Takes proxies out of the environment: of the clients and tools some would go through them and some not, and what is
 * looked at must be what is acted on.
 */
export function leaveProxiesOut(env: NodeJS.ProcessEnv = process.env): void {
  for (const name of Object.keys(env))
    if (/^(https?|all)_proxy$/i.test(name) && env[name]) {
      leftOut = name
      delete env[name]
    }
}

/** What to do when a server cannot be reached. */
export function networkCure(): string {
  const proxy = leftOut ? ` (${leftOut} is not used: regrow connects directly)` : ''
  return `Check the network${proxy}, then run ${again()}.`
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

/** Reads both tokens. @throws Problem (exit code 2) naming the variables that are missing or hold no token */
export function tokens(env: NodeJS.ProcessEnv = process.env): Tokens {
  const read = (variables: readonly string[]) => {
    const name = variables.find((one) => env[one]?.trim())
    return name ? secretOf(name, env[name] ?? '') : undefined
  }
  const [digitalocean, github, csi] = [
    read(names.digitalocean),
    read(names.github),
    read(['REGROW_CSI_TOKEN']),
  ]
  if (digitalocean && github) return { digitalocean, github, csi: csi ?? digitalocean, csiIsMain: !csi }
  const missing = missingTokens(env).map((kind) => names[kind][0])
  throw new Problem(`${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} not set`, {
    cure: `export ${missing.map((name) => `${name}=…`).join(' ')} (docs/setup.md lists the permissions)`,
    exitCode: 2,
  })
}

/** A blank or a control character would make a header that no client sends, with the token in its complaint. */
function secretOf(name: string, value: string): Secret {
  const secret = new Secret(value.trim())
  if (/^[\x21-\x7e]+$/.test(value.trim())) return secret
  throw new Problem(`${name} holds characters that no token has`, {
    cure: 'Copy the token again, without blanks, quotes or line breaks in it.',
    exitCode: 2,
  })
}
