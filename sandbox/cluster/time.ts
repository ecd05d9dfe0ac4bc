/** The time now, or some seconds later, as Kubernetes writes it. */
export const now = (later = 0): string =>
  new Date(Date.now() + later * 1000).toISOString().replace(/\.\d+Z$/, 'Z')

/** Seconds of a Go duration such as `720h0m0s`. */
export function secondsOf(duration: string): number {
  const units: Record<string, number> = { h: 3600, m: 60, s: 1 }
  const parts = [...duration.matchAll(/(\d+(?:\.\d+)?)(h|m|s)/g)]
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (units[unit ?? ''] ?? 0), 0)
}
