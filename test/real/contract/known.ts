import t, { type Test } from 'tap'
import type { Complaints, Known } from './description.ts'

/** What requests may lack though the description demands it: an ICMP rule sent with ports is refused. */
const lacking = /^\/(in|out)bound_rules\/\d+ must have required property 'ports'/

/** Without what is known of requests that are right and not as described. */
export const serious = (complaints: Complaints) => complaints.filter((one) => !lacking.test(one))

/** Where answers differ from the description and are right: docs/digitalocean-differences.md gives the sources. */
export const known: Known = {
  undescribed: [/^\.account\.(volume_limit|reserved_ip_limit)$/, /^\.key$/, /\.resources\.images$/],
  absent: [
    // Of what has several forms, an answer has one.
    /^\.droplets?$/,
    /\.(sources|destinations)\.(addresses|droplet_ids|load_balancer_uids|kubernetes_ids|tags)$/,
    // Told only where there is something to tell.
    /\.gpu_info$/,
    /^\.load_balancers?(\[\])?\.(domains|glb_settings|target_load_balancer_ids)$/,
    /\.sticky_sessions\.cookie_/,
    /\.last_tagged_uri$/,
    /\.links\.(pages(\.\w+)?|actions|droplets)$/,
    // Slips of the description's.
    /^\.keys$/,
    /\.resources\.imgages$/,
  ],
}

/** A test that needs the API description, which `REGROW_DO_OPENAPI` names; without it, it says loudly what it skips. */
export function againstDescription(name: string, work: (t: Test, file: string) => Promise<void>): void {
  const file = process.env.REGROW_DO_OPENAPI
  if (file) {
    t.test(name, (inner) => work(inner, file))
    return
  }
  const warning = `REGROW_DO_OPENAPI is not set, so this is NOT checked: ${name}`
  process.stderr.write(`\n!!! ${warning}\n\n`)
  t.pass(warning, { skip: warning })
}
