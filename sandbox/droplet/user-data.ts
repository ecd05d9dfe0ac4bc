import { load } from 'js-yaml'
import { z } from 'zod'

const cloudConfig = z.object({
  write_files: z.array(z.object({ path: z.string(), content: z.string() })).default([]),
  runcmd: z.array(z.union([z.string(), z.array(z.string())])).default([]),
})

/** What the script in the user-data was told. */
export interface Orders {
  nodeName: string
  bundleUrl: string
  bundleSha256: string
  bundleKey: string
  startedUrl: string
}

/**
 * Reads user-data as cloud-init would and takes the variables out of the script that its unit starts.
 * @returns undefined when the user-data is no cloud-config or starts no such script: then the machine just runs
 */
export function ordersIn(userData: string): Orders | undefined {
  if (!userData.startsWith('#cloud-config')) return undefined
  const config = cloudConfig.safeParse(parse(userData))
  if (!config.success) return undefined
  const file = (path: string) => config.data.write_files.find((one) => one.path === path)?.content
  const commands = config.data.runcmd.map((command) => [command].flat().join(' '))
  const starts = commands.some((command) => /^systemctl start .*regrow\.service$/.test(command))
  const unit = file('/etc/systemd/system/regrow.service')
  const script = file('/usr/local/sbin/regrow')
  if (!starts || !script || !unit?.includes('ExecStart=/usr/local/sbin/regrow')) return undefined
  const said = variables(script)
  return {
    nodeName: said.NODE_NAME ?? '',
    bundleUrl: said.BUNDLE_URL ?? '',
    bundleSha256: said.SHA256 ?? '',
    bundleKey: said.KEY ?? '',
    startedUrl: said.STARTED_URL ?? '',
  }
}

/** The lines `NAME='value'` of a shell text, unquoted. */
export function variables(script: string): Record<string, string> {
  const lines = script.matchAll(/^([A-Z][A-Z0-9_]*)='((?:[^']|'\\'')*)'$/gm)
  return Object.fromEntries(
    [...lines].map(([, name, value]) => [name, (value ?? '').replaceAll("'\\''", "'")]),
  )
}

function parse(text: string): unknown {
  try {
    return load(text)
  } catch {
    return undefined
  }
}
