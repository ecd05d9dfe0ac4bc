import { readFileSync } from 'node:fs'
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'

/** A part of an API description: JSON Schema with what OpenAPI 3.0 adds. */
interface Node {
  [key: string]: Node
}

/** What is said against one exchange; empty when it is as described. */
export type Complaints = string[]

/** An OpenAPI 3.0 description that judges requests and answers. */
export interface Description {
  /** How many operations it has. */
  operations: number
  /** The operation of a request: `POST /v2/droplets/{droplet_id}/actions`; undefined when it has none. */
  operationOf(method: string, path: string): string | undefined
  judgeRequest(operation: string, body: unknown): Complaints
  /** Status, headers and body of an answer; what is `known` is no complaint. */
  judgeAnswer(operation: string, answer: Answer, known: Known): Complaints
}
interface Answer {
  status: number
  headers: Headers
  body: unknown
}
/** Paths of keys (`.droplets[].size.slug`) that are known to be undescribed, or described and absent. */
export interface Known {
  undescribed: readonly RegExp[]
  absent: readonly RegExp[]
}
interface Odd {
  undescribed: string[]
  absent: string[]
}

/** Reads a description from a JSON file. */
export function openDescription(file: string): Description {
  const document = JSON.parse(readFileSync(file, 'utf8')) as Node
  const ajv = new Ajv({ strict: false, allErrors: true, unicodeRegExp: false })
  addFormats.default(ajv)
  ajv.addSchema({ ...document, $id: 'description' })
  const compiled = new Map<string, ValidateFunction>()
  const check = (pointer: string, value: unknown): Complaints => {
    const validate = compiled.get(pointer) ?? ajv.compile({ $ref: `description#${pointer}` })
    compiled.set(pointer, validate)
    return validate(value) ? [] : (validate.errors ?? []).map(told)
  }
  const resolve = (node: Node | undefined): Node => {
    const path = refOf(node)
      ?.slice(2)
      .split('/')
      .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    return path ? resolve(path.reduce<Node>((at, part) => at[part] ?? {}, document)) : (node ?? {})
  }
  /** Where something lies, behind the references on the way: a JSON pointer, undefined when it is not there. */
  const locate = (...path: string[]): string | undefined => {
    let [at, pointer]: [Node | undefined, string] = [document, '']
    for (const part of path) {
      at = at?.[part]
      pointer = `${pointer}/${escaped(part)}`
      const ref = refOf(at)
      if (ref) [at, pointer] = [resolve(at), ref.slice(1)]
    }
    return at ? pointer : undefined
  }
  const paths = Object.entries(document.paths ?? {}).map(([template, item]) => ({
    template,
    methods: Object.keys(item).filter((key) => /^(get|put|post|patch|delete)$/.test(key)),
    shape: new RegExp(`^${template.replaceAll('.', '\\.').replaceAll(/\{[^}]+\}/g, '[^/]+')}$`),
    holes: template.split('{').length,
  }))
  const at = (operation: string): string[] => {
    const [method = '', template = ''] = operation.split(' ')
    return ['paths', template, method.toLowerCase()]
  }
  return {
    operations: paths.reduce((sum, one) => sum + one.methods.length, 0),
    operationOf: (method, path) => {
      const fitting = paths.filter(
        (one) => one.shape.test(path) && one.methods.includes(method.toLowerCase()),
      )
      const best = fitting.sort((a, b) => a.holes - b.holes)[0]
      return best && `${method} ${best.template}`
    },
    judgeRequest: (operation, body) => {
      const schema = locate(...at(operation), 'requestBody', 'content', 'application/json', 'schema')
      if (!schema) return body === undefined ? [] : ['a body where none is described']
      return check(schema, body)
    },
    judgeAnswer: (operation, { status, headers, body }, known) => {
      const responses = [...at(operation), 'responses']
      const code = [String(status), 'default'].find((one) => locate(...responses, one))
      if (!code) return [`status ${status} is not described`]
      const missing = Object.keys(nodeAt(resolve, document, [...responses, code, 'headers']))
        .filter((name) => name.startsWith('ratelimit') && !headers.has(name))
        .map((name) => `header ${name} is missing`)
      const content = [...responses, code, 'content', 'application/json', 'schema']
      const schema = locate(...content)
      if (!schema) return [...missing, ...(body === undefined ? [] : ['a body where none is described'])]
      const shapes = compare(resolve, [nodeAt(resolve, document, content)], body, '')
      return [
        ...missing,
        ...check(schema, body),
        ...unknown(shapes.undescribed, known.undescribed).map((path) => `${path} is not described`),
        ...unknown(shapes.absent, known.absent).map((path) => `${path} is absent`),
      ]
    },
  }
}

const unknown = (paths: string[], known: readonly RegExp[]) =>
  paths.filter((path) => !known.some((one) => one.test(path)))
const refOf = (node: Node | undefined) => (node as { $ref?: string } | undefined)?.$ref
const escaped = (part: string) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))
const told = ({ instancePath, message, params }: ErrorObject) =>
  `${instancePath || '/'} ${message} ${JSON.stringify(params)}`

function nodeAt(resolve: (node: Node | undefined) => Node, from: Node, path: string[]): Node {
  return path.reduce<Node>((at, part) => resolve(at[part]), from)
}

/**
 * Keys of a value that no schema knows, and keys that the schemas know and the value lacks. Most are optional by the
 * description, so that validation alone would let an empty object pass.
 */
function compare(
  resolve: (node: Node | undefined) => Node,
  schemas: Node[],
  value: unknown,
  path: string,
): Odd {
  const every = spread(resolve, schemas)
  const found: Odd = { undescribed: [], absent: [] }
  const into = (inner: Node[], part: unknown, at: string) => {
    const more = compare(resolve, inner, part, at)
    found.undescribed.push(...more.undescribed)
    found.absent.push(...more.absent)
  }
  if (Array.isArray(value)) {
    for (const item of value)
      into(
        every.flatMap((one) => one.items ?? []),
        item,
        `${path}[]`,
      )
  } else if (value && typeof value === 'object') {
    const described = every.flatMap((one) => Object.entries(one.properties ?? {}))
    if (described.length === 0) return found
    for (const [key, part] of Object.entries(value)) {
      const inner = described.filter(([name]) => name === key).map(([, schema]) => schema)
      if (inner.length === 0) found.undescribed.push(`${path}.${key}`)
      else into(inner, part, `${path}.${key}`)
    }
    const names = new Set(described.map(([name]) => name))
    for (const name of names) if (!(name in value)) found.absent.push(`${path}.${name}`)
  }
  return { undescribed: [...new Set(found.undescribed)], absent: [...new Set(found.absent)] }
}

/** A schema and all that it is put together of. */
function spread(resolve: (node: Node | undefined) => Node, schemas: Node[]): Node[] {
  return schemas.map(resolve).flatMap((one) => {
    const parts = [one.allOf, one.anyOf, one.oneOf].flatMap((list) => (list ? Object.values(list) : []))
    return [one, ...spread(resolve, parts)]
  })
}
