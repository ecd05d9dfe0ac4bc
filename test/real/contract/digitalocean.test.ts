import { fresh } from '../../sandbox/digitalocean-ground.ts'
import { type Complaints, openDescription } from './description.ts'
import { againstDescription, known, serious } from './known.ts'
import { tour } from './tour.ts'

// The witness is DigitalOcean's own API description; what is judged is SIMULATED.

againstDescription('what the simulation answers', async (t, file) => {
  const description = openDescription(file)
  const world = await fresh(t, undefined, 0.01)
  const seen = new Set<string>()
  const told: Complaints = []
  const call = async (method: string, path: string, body?: unknown, wrong = false): Promise<unknown> => {
    const answer = await world.ask(method, path, body)
    const refused = answer.status >= 400
    if (refused !== wrong)
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    const operation = description.operationOf(method, `/v2${path.split('?')[0]}`)
    if (!operation) throw new Error(`${method} ${path} is not described`)
    seen.add(`${operation} ${answer.status}`)
    const complaints = [
      ...(wrong ? [] : serious(description.judgeRequest(operation, body))),
      ...description.judgeAnswer(operation, answer, known),
    ]
    told.push(...complaints.map((one) => `${method} ${path} ${answer.status}: ${one}`))
    return answer.body
  }
  await tour(call, world.settled)
  t.same([...new Set(told)], [], 'every request and answer of the tour is as described')
  const account = { status: 200, headers: new Headers(), body: { account: { uuid: 1, surprise: true } } }
  const wrong = description.judgeAnswer('GET /v2/account', account, known).join('; ')
  for (const complaint of [
    'header ratelimit-limit is missing',
    '/account/uuid must be string',
    'surprise is not described',
    'team is absent',
  ])
    t.match(wrong, complaint, `a wrong answer would be caught: ${complaint}`)
  t.ok(seen.size > 100, `${seen.size} kinds of answers`)
  process.stderr.write(
    `# ${seen.size} pairs of operation and status, of ${description.operations} operations\n`,
  )
})
