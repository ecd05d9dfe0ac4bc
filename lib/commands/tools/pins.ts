import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { Platform, ToolName } from './release.ts'

/**
 * SHA-256 in hex of the file that a tool's makers release, by `<tool> <version> <os>-<arch>`; null where nobody has read it
 * yet. `npm run pin` writes them: it asks the makers, fills what is null and replaces nothing.
 */
export const pins: Record<string, string | null> = z
  .record(z.string(), z.union([z.string().regex(/^[0-9a-f]{64}$/), z.null()]))
  .parse(JSON.parse(readFileSync(new URL('pins.json', import.meta.url), 'utf8')))

/** The name under which a release is pinned. */
export const pinName = (name: ToolName, version: string, { os, arch }: Platform): string =>
  `${name} ${version} ${os}-${arch}`
