import { z } from 'zod'
import { endpoints } from '../../../lib/base/environment.ts'
import { steadyFetch } from '../../../lib/clients/steady-fetch.ts'
import { archiveIn, indexAddress } from '../../../lib/cluster/chart-index.ts'
import { parts, tools, upstreamFiles, versionsOf } from '../../../lib/cluster/versions.ts'
import type { Asked } from '../question.ts'

/** Whether an address answers, without its content; `method` GET where only that is answered. */
async function served(address: string, method = 'HEAD', headers = {}) {
  const { status } = await steadyFetch(endpoints().upstream(address), { method, headers })
  return { said: status === 200 ? 'yes' : 'no', seen: `${status} ${address}` }
}

const isThere = { supposed: 'yes', wrong: 'no', when: 'before', place: 'lib/cluster/versions.ts' } as const
const never = 'docs/evidence.md, “Versions”: not seen from here'

/** Whether what is shipped exists. */
export const upstreamQuestions: Asked[] = [
  ...upstreamFiles(versionsOf()).map(
    (file): Asked => ({
      id: `there-${file.name}`,
      question: `Is ${'chart' in file ? `chart ${file.chart.chart} ${file.chart.version}` : file.name} where it is fetched from?`,
      doubt: never,
      ...isThere,
      ask: async () => {
        if (!('chart' in file)) return served(file.address)
        const index = await steadyFetch(endpoints().upstream(indexAddress(file.chart)))
        if (index.status !== 200) return { said: 'no', seen: `${index.status} ${indexAddress(file.chart)}` }
        return served(archiveIn(await index.text(), file.chart).address)
      },
    }),
  ),
  ...Object.entries(tools).map(
    ([name, tool]): Asked => ({
      id: `there-tool-${name}`,
      question: `Is ${name} ${tool.version} where it is fetched from?`,
      doubt: never,
      ...isThere,
      notInBox: true,
      ask: () => served(tool.address('linux', 'amd64')),
    }),
  ),
  {
    id: 'there-busybox',
    question: 'Does Docker Hub have busybox under the digest that is shipped?',
    doubt: never,
    ...isThere,
    notInBox: true,
    ask: async () => {
      const scope =
        'https://auth.docker.io/token?service=registry.docker.io&scope=repository:library/busybox:pull'
      const answer = await (await steadyFetch(scope)).json()
      const { token } = z.object({ token: z.string() }).parse(answer)
      const digest = parts.busybox.version.split('@')[1]
      const accept =
        'application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json'
      return served(`https://registry-1.docker.io/v2/library/busybox/manifests/${digest}`, 'HEAD', {
        authorization: `Bearer ${token}`,
        accept,
      })
    },
  },
  {
    id: 'stable-k3s',
    question: 'Is the k3s that is shipped the one of the stable channel?',
    doubt: 'docs/evidence.md, “Versions”: not checked',
    when: 'before',
    notInBox: true,
    ask: async () => {
      const channels = 'https://update.k3s.io/v1-release/channels'
      const shape = z.object({ data: z.array(z.object({ name: z.string(), latest: z.string() })) })
      const { data } = shape.parse(await (await steadyFetch(channels)).json())
      const stable = data.find(({ name }) => name === 'stable')?.latest ?? 'none'
      return { said: stable === parts.k3s.version ? 'yes' : 'no', seen: stable }
    },
    supposed: 'yes',
    wrong: 'no',
    place: 'lib/cluster/versions.ts',
  },
]
