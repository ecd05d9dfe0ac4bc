import { createHash, randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { kubectl } from './sight.ts'

/** Bytes on the sample's volume, which neither regrow nor Velero knows. */
export interface Bytes {
  /** Writes them. @returns their SHA-256 */
  write(): Promise<string>
  /** The SHA-256 of what is there now. */
  read(): Promise<string>
}

const file = 'first-contact'

/** Written and read by the sample itself, as a person would. */
export function bytesOf(kubeconfig: string): Bytes {
  const inSample = (script: string) =>
    kubectl(kubeconfig, ['exec', '-n', 'hello', 'hello-0', '--', 'sh', '-c', script])
  const read = async () => (await inSample(`sha256sum /data/${file}`)).split(' ')[0] ?? ''
  return {
    write: async () => {
      await inSample(`head -c 20000000 /dev/urandom > /data/${file} && sync`)
      return read()
    },
    read,
  }
}

/** In the box nothing can be run: its volumes are folders. @param world the world's folder */
export function bytesInBox(world: string): Bytes {
  const path = () => {
    const [volume] = readdirSync(join(world, 'volumes'))
    return join(world, 'volumes', volume ?? 'none', file)
  }
  const read = async () => createHash('sha256').update(readFileSync(path())).digest('hex')
  return {
    write: async () => {
      writeFileSync(path(), randomBytes(200_000))
      return read()
    },
    read,
  }
}
