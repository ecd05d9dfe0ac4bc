import { Refusal } from './refusal.ts'
import { at, type Thing } from './tree.ts'

/** Whether an object passes the `labelSelector` and `fieldSelector` of a request (empty texts pass all). */
export function selects(labels: string, fields: string): (thing: Thing) => boolean {
  const byLabel = labels
    .split(/,(?![^(]*\))/)
    .filter(Boolean)
    .map(labelTerm)
  const byField = fields.split(',').filter(Boolean).map(fieldTerm)
  return (thing) =>
    byLabel.every((term) => term(thing.metadata.labels ?? {})) && byField.every((term) => term(thing))
}

function labelTerm(term: string): (labels: Record<string, string>) => boolean {
  const set = term.match(/^\s*(\S+)\s+(in|notin)\s+\(([^)]*)\)\s*$/)
  if (set) {
    const [, key = '', how, values = ''] = set
    const allowed = values.split(',').map((value) => value.trim())
    return (labels) => allowed.includes(labels[key] ?? '\0') === (how === 'in')
  }
  const equal = term.match(/^\s*([^!=\s]+)\s*(!=|==|=)\s*(\S*)\s*$/)
  if (equal) {
    const [, key = '', how, value] = equal
    return (labels) => (labels[key] === value) === (how !== '!=')
  }
  const key = term.trim().replace(/^!\s*/, '')
  return (labels) => key in labels !== term.trim().startsWith('!')
}

function fieldTerm(term: string): (thing: Thing) => boolean {
  const parts = term.match(/^([^!=]+)(!=|==|=)(.*)$/)
  if (!parts) throw new Refusal(400, 'BadRequest', `unable to parse field selector ${term}`)
  const [, path = '', how, value] = parts
  return (thing) => (String(at(thing, ...path.split('.')) ?? '') === value) === (how !== '!=')
}
