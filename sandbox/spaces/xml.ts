/** What can be written as XML: arrays repeat their element, undefined leaves it out. */
export type Xml = string | number | boolean | undefined | { [name: string]: Xml | Xml[] }

const escapes: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
}

/** A whole document with one root element. */
export function document(root: string, content: Xml): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element(root, content, root !== 'Error')}`
}

function element(name: string, value: Xml, root = false): string {
  if (value === undefined) return ''
  const open = root ? `${name} xmlns="http://s3.amazonaws.com/doc/2006-03-01/"` : name
  const inside =
    typeof value === 'object'
      ? Object.entries(value)
          .flatMap(([key, one]) =>
            Array.isArray(one) ? one.map((each) => element(key, each)) : [element(key, one)],
          )
          .join('')
      : String(value).replace(/[&<>"\r]/g, (character) => escapes[character] ?? character)
  return `<${open}>${inside}</${name}>`
}

/** The contents of each element of this name, wherever it stands; enough for the flat bodies that S3 clients send. */
export function inside(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}(?:\\s[^>]*)?>([\\s\\S]*?)</${name}>`, 'g'))].map(
    ([, content = '']) => content,
  )
}

/** The text of the first element of this name. */
export function textOf(xml: string, name: string): string | undefined {
  return inside(xml, name)[0]?.replace(/&(#x?[0-9a-f]+|amp|lt|gt|quot|apos);/gi, (_, entity: string) => {
    if (entity.startsWith('#x')) return String.fromCodePoint(Number.parseInt(entity.slice(2), 16))
    if (entity.startsWith('#')) return String.fromCodePoint(Number(entity.slice(1)))
    return { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }[entity] ?? ''
  })
}
