import t from 'tap'
import { glob } from '../../lib/gitops/glob.ts'

// Patterns of an Application's `directory.include`, which whoever writes to Git writes.

const fits = (pattern: string, ...texts: string[]) => {
  const one = glob(pattern)
  return texts.map((text) => one.test(text))
}

t.test('as Argo CD reads them', async (t) => {
  t.same(fits('*.yaml', 'a.yaml', 'folder/a.yaml', 'a.yml', '.yaml'), [true, true, false, true])
  t.same(fits('{a,b/c}.yaml', 'a.yaml', 'b/c.yaml', 'b.yaml'), [true, true, false])
  t.same(fits('{a{1,2},b*}', 'a1', 'a2', 'a', 'b', 'bcd', 'ab'), [true, true, false, true, true, false])
  t.same(fits('a?c', 'abc', 'ac', 'a/c'), [true, false, true])
  t.same(fits('[a-c]x', 'ax', 'cx', 'dx', 'x'), [true, true, false, false])
  t.same(fits('[!a-c]x', 'ax', 'dx', 'x'), [false, true, false])
  t.same(fits('[-a]', '-', 'a', 'b'), [true, true, false])
  t.same(fits('\\*.a+b', '*.a+b', 'x.a+b', '*xa+b'), [true, false, false])
  t.same(fits('a,b}', 'a,b}', 'a'), [true, false])
  t.same(fits('', '', 'a'), [true, false])
})

t.test('what is no pattern fits nothing or itself, and is no fault of regrow', async (t) => {
  t.same(fits('[z-a]*', 'z', 'a', 'm'), [false, false, false])
  t.same(fits('a[', 'a[', 'a'), [true, false])
  t.same(fits('{a,b', 'a', 'b', 'c'), [true, true, false])
  t.same(fits('\\', ''), [false])
  t.same(fits('a'.repeat(5000), 'a'.repeat(5000)), [false])
  t.same(fits('{'.repeat(4000), 'a'), [false])
})

t.test('many asterisks take no longer than few', async (t) => {
  const started = performance.now()
  t.same(fits(`${'*a'.repeat(100)}b`, 'a'.repeat(1000)), [false])
  t.same(fits(`${'{a*,*a}'.repeat(100)}b`, 'a'.repeat(1000)), [false])
  t.ok(performance.now() - started < 10_000, `${Math.round(performance.now() - started)} ms`)
})
