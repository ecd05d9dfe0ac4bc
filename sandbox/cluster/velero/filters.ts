import { type Kind, type Kinds, resourceOf } from '../kinds.ts'
import { at, listAt, type Thing, type Tree, textsAt, treeAt } from '../tree.ts'

/** A pair of lists of names, as Velero reads it: `*` for all, globs, and what is excluded wins. */
export interface Chooser {
  /** Nothing is left out. */
  all: boolean
  takes(name: string): boolean
  excludes(name: string): boolean
}

/** What a pair of lists of names takes: everything where nothing is included by name. */
export function chooser(included: readonly string[], excluded: readonly string[]): Chooser {
  const everything = included.length === 0 || included.includes('*')
  const excludes = (name: string) => excluded.some((one) => glob(one).test(name))
  return {
    all: excluded.length === 0 && (included.length === 0 || (included.length === 1 && everything)),
    excludes,
    takes: (name) => !excludes(name) && (everything || included.some((one) => glob(one).test(name))),
  }
}

const glob = (pattern: string) =>
  new RegExp(
    `^${pattern
      .replace(/[.+^$()|[\]{}\\]/g, '\\$&')
      .replace(/\*/g, '.*')
      .replace(/\?/g, '.')}$`,
  )

/** Names of kinds as a person writes them (`pvc`, `deployments`), as Velero resolves them; what is unknown stays. */
export function resolved(kinds: Kinds, words: readonly string[]): string[] {
  return words.map((word) => {
    if (word === '*') return word
    const [name = '', ...group] = word.split('.')
    const found = kinds
      .all()
      .find(
        (one) =>
          [one.plural, one.kind.toLowerCase(), ...one.short].includes(name) &&
          (group.length === 0 || one.group === group.join('.')),
      )
    return found ? resourceOf(found) : word
  })
}

/** Which kinds a backup's specification takes: by listing them, and not to be refused when another object names one. */
export interface KindFilter {
  lists(kind: Kind): boolean
  refuses(kind: Kind): boolean
}

const scoped = [
  'includedClusterScopedResources',
  'excludedClusterScopedResources',
  'includedNamespaceScopedResources',
  'excludedNamespaceScopedResources',
]

/** Velero's rules for kinds (`GlobalIncludesExcludes` and, for the four newer fields, `ScopeIncludesExcludes`). */
export function kindFilter(kinds: Kinds, spec: Tree, namespaces: Chooser): KindFilter {
  const names = (field: string) => resolved(kinds, textsAt(spec, field))
  if (scoped.some((field) => textsAt(spec, field).length > 0)) {
    const inside = chooser(
      names('includedNamespaceScopedResources'),
      names('excludedNamespaceScopedResources'),
    )
    const included = names('includedClusterScopedResources')
    const outside = chooser(included, names('excludedClusterScopedResources'))
    const unasked = included.length === 0 && textsAt(spec, 'excludedClusterScopedResources').length === 0
    return {
      lists: (kind) => {
        const name = resourceOf(kind)
        if (kind.namespaced) return inside.takes(name)
        if (outside.excludes(name)) return false
        if (unasked && namespaces.all && inside.all) return true
        return (included.length > 0 && outside.takes(name)) || name === 'namespaces'
      },
      refuses: (kind) => (kind.namespaced ? inside : outside).excludes(resourceOf(kind)),
    }
  }
  const resources = chooser(names('includedResources'), names('excludedResources'))
  const wish = spec.includeClusterResources ?? undefined
  return {
    lists: (kind) => {
      const name = resourceOf(kind)
      if (!kind.namespaced && wish === false) return false
      if (!kind.namespaced && name !== 'namespaces' && wish === undefined && !namespaces.all) return false
      return resources.takes(name)
    },
    refuses: (kind) => {
      const name = resourceOf(kind)
      if (resources.excludes(name)) return true
      return !kind.namespaced && (wish === false || (wish === undefined && !resources.takes(name)))
    },
  }
}

/** Whether labels pass a specification's `labelSelector` or one of its `orLabelSelectors`; undefined when it has none. */
export function labelFilter(spec: Tree): ((thing: Thing) => boolean) | undefined {
  const several = listAt(spec, 'orLabelSelectors')
  const one = at(spec, 'labelSelector')
  const all = several.length > 0 ? several : one ? [treeAt(spec, 'labelSelector')] : []
  if (all.length === 0) return undefined
  return ({ metadata: { labels = {} } }) => all.some((selector) => passes(selector, labels))
}

function passes(selector: Tree, labels: Record<string, string>): boolean {
  const equal = Object.entries(treeAt(selector, 'matchLabels')).every(([key, value]) => labels[key] === value)
  return (
    equal &&
    listAt(selector, 'matchExpressions').every(({ key, operator, ...rest }) => {
      const value = labels[String(key)]
      const values = textsAt(rest, 'values')
      if (operator === 'Exists') return value !== undefined
      if (operator === 'DoesNotExist') return value === undefined
      const isIn = value !== undefined && values.includes(value)
      return operator === 'In' ? isIn : !isIn
    })
  )
}
