import { doctlHint } from '../../base/hint.ts'

/**
 * What to do with a machine that may still hold something: it is stopped, which can be undone. No message names the
 * command that deletes one.
 * @param id the droplet's
 */
export const putAside = (id: string): string =>
  `${doctlHint`compute droplet-action shutdown ${id}`} stops it; once nothing misses it, delete it at DigitalOcean: until then it is billed.`
