import t from 'tap'
import { type Output, ToolFailure } from '../../lib/clients/tools.ts'
import { repeated } from '../../lib/kubernetes/repeated.ts'

const fails = (said: string, times: number) => {
  const answer: Output = {
    text: 'there',
    json: () => {
      throw new Error('not JSON')
    },
  }
  const state = { asked: 0 }
  const act = async () => {
    if (++state.asked <= times) throw new ToolFailure('kubectl get nodes', 1, said)
    return answer
  }
  return { state, act }
}

t.test('a connection that was cut is made again', async (t) => {
  const { state, act } = fails('Unable to connect to the server: EOF', 2)
  t.equal((await repeated(act)).text, 'there')
  t.equal(state.asked, 3)
})

for (const said of [
  'Error from server (Forbidden): secrets is forbidden',
  'error: the server doesn’t have a resource type "foos"',
])
  t.test(`a refusal is not repeated: ${said.slice(0, 25)}`, async (t) => {
    const { state, act } = fails(said, 9)
    await t.rejects(repeated(act), { message: /ended with exit code 1/, cure: /run the same command again/ })
    t.equal(state.asked, 1)
  })
