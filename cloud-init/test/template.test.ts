import { load } from 'js-yaml'
import t from 'tap'
import { checkedYaml, cloudInitFile, shellWord, template } from '../src/template.ts'

t.test('values are written as they are, as YAML, or as a word of the shell', async (t) => {
  const fill = template<{ text: string }>('sample', '{{text}}\n{{yaml text}}\n{{sh text}}')
  const text = `a <b> & "c": 'd'`
  t.equal(fill({ text }), `${text}\n${JSON.stringify(text)}\n'a <b> & "c": '\\''d'\\'''`)
  t.strictSame(load(template<{ text: string }>('x', 'key: {{yaml text}}')({ text: 'no: #' })), {
    key: 'no: #',
  })
})

t.test('a missing value is an error that names the template, wherever it is missing', async (t) => {
  for (const source of ['{{text}}', '{{yaml text}}', '{{sh text}}', '{{#if text}}a{{/if}}{{text.more}}'])
    t.throws(() => template<object>('sample.hbs', source)({}), {
      name: 'Problem',
      message: /^the template sample\.hbs cannot be filled: /,
    })
})

t.test('a helper that nobody knows is an error', async (t) => {
  t.throws(
    () => template<{ x: string }>('sample.hbs', '{{shout x}}')({ x: '' }),
    /sample\.hbs cannot be filled/,
  )
})

t.test('what is not valid YAML does not leave', async (t) => {
  t.equal(checkedYaml('it', 'a: 1\n---\nb: 2\n'), 'a: 1\n---\nb: 2\n')
  t.throws(() => checkedYaml('the manifest 10-a.yaml', 'a: [1'), {
    message: /^the manifest 10-a\.yaml is not valid YAML/,
  })
})

t.test('a shell word has no way out of its quotes', async (t) => {
  t.equal(shellWord("'; rm -rf / #"), "''\\''; rm -rf / #'")
  t.throws(() => shellWord('a\0b'), /NUL/)
})

t.test('the files of cloud-init/ are found', async (t) => {
  t.match(cloudInitFile('units/regrow.service'), /ExecStart=/)
})
