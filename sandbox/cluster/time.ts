/** The time now, or some seconds later, as Kubernetes writes it. */
export const now = (later = 0): string =>
  new Date(Date.now() + later * 1000).toISOString().replace(/\.\d+Z$/, 'Z')
