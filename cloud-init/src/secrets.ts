import { loadAll } from 'js-yaml'
import { z } from 'zod'

const secretManifest = z.object({
  kind: z.literal('Secret'),
  data: z.record(z.string(), z.string()).optional(),
  stringData: z.record(z.string(), z.string()).optional(),
})

/**
 * The list, one a line, of texts that a node takes out of each log before it reports it: those given and each value
 * of a Secret among the manifests, line by line, as they are and in base64. Lines under eight characters are left out,
 * because they would black out ordinary words.
 */
export function secretsIn(given: string[], manifests: Record<string, string>): string {
  const values = Object.values(manifests)
    .flatMap((text): unknown[] => loadAll(text))
    .flatMap((object) => {
      const read = secretManifest.safeParse(object)
      if (!read.success) return []
      const decoded = Object.values(read.data.data ?? {}).map((value) =>
        Buffer.from(value, 'base64').toString(),
      )
      return [...decoded, ...Object.values(read.data.stringData ?? {})]
    })
  const forms = [...given, ...values].flatMap((value) => [
    ...value.split('\n').map((line) => line.trim()),
    Buffer.from(value).toString('base64'),
  ])
  const long = forms.filter((form) => form.length >= 8)
  return [...new Set(long)]
    .sort((a, b) => b.length - a.length || (a < b ? -1 : 1))
    .map((form) => `${form}\n`)
    .join('')
}
