import t from 'tap'
import { eachItem } from '../../lib/base/json.ts'

t.test('the entries of a list, one at a time, whatever is in their texts', async (t) => {
  const items = [
    { metadata: { name: 'a' }, data: { text: '{"items": [{' } },
    { metadata: { name: 'b\\', list: [[{}], []] }, data: { '}': ']\\\\"' } },
    {},
  ]
  const list = { apiVersion: 'v1', kind: 'List', metadata: { resourceVersion: '' }, items }
  for (const indent of [0, 4]) t.same([...eachItem(JSON.stringify(list, null, indent))], items)
  t.same([...eachItem('{"items": []}')], [])
})

t.test('what is no list, or breaks off, is not taken for an empty one', async (t) => {
  for (const text of ['', 'No resources found', '{"kind": "Status"}', '{"items": [{"a": 1}, {"b"'])
    t.throws(() => [...eachItem(text)], { message: /a list was asked for/ }, text)
})
