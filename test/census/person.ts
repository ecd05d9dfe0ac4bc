import { speak } from '../flows/box.ts'

/** What a world's environment says of its clouds. */
type Env = Readonly<Record<string, string>>

/** Speaks to DigitalOcean as the person could. @throws Error with what it answered */
export const cloud = (env: Env, method: string, path: string, body?: object) =>
  patiently(() => speak(env.REGROW_DIGITALOCEAN_URL, env.DIGITALOCEAN_TOKEN, method, `/v2/${path}`, body))

/** Speaks to GitHub as the person could. @throws Error with what it answered */
export const github = (env: Env, method: string, path: string, body?: object) =>
  patiently(() => speak(env.REGROW_GITHUB_URL, env.GITHUB_TOKEN, method, path, body))

/** A connection that an earlier run of the same world left open is closed by now: the first use of it finds that out. */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof TypeError) return ask()
    throw error
  }
}
