/** A pattern of `directory.include` as Argo CD reads it: `*` goes across folders, `{a,b}` is a choice, `[a-c]` a class. */
export function glob(pattern: string): RegExp {
  let source = ''
  let depth = 0
  for (let at = 0; at < pattern.length; at++) {
    const mark = pattern[at] ?? ''
    if (mark === '\\') source += escaped(pattern[++at] ?? '')
    else if (mark === '*') source += '.*'
    else if (mark === '?') source += '.'
    else if (mark === '{') {
      depth++
      source += '(?:'
    } else if (mark === '}' && depth > 0) {
      depth--
      source += ')'
    } else if (mark === ',' && depth > 0) source += '|'
    else if (mark === '[' && pattern.includes(']', at)) {
      const end = pattern.indexOf(']', at)
      source += `[${pattern
        .slice(at + 1, end)
        .replace(/^!/, '^')
        .replaceAll('\\', '\\\\')}]`
      at = end
    } else source += escaped(mark)
  }
  return new RegExp(`^${source}${')'.repeat(depth)}$`, 's')
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&')
