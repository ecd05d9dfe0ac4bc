import { type Answer, run } from '../../sandbox/tools-ground.ts'

/** A Kubernetes object as the tests look into it. */
export interface KubeObject {
  apiVersion: string
  kind: string
  metadata: {
    name: string
    namespace?: string
    generation?: number
    resourceVersion?: string
    managedFields?: { manager: string; operation: string; subresource?: string; fieldsV1: object }[]
  } & Record<string, unknown>
  spec?: Record<string, unknown>
  status?: Record<string, unknown>
  data?: Record<string, string>
}

/** Runs the real kubectl, which lies in `REGROW_TOOLS`. */
export function kubectl(kubeconfig: string, words: string[], input = ''): Promise<Answer> {
  const env = { KUBECONFIG: kubeconfig, KUBERC: 'off', HOME: process.env.TMPDIR ?? '/tmp' }
  return run(process.env.REGROW_TOOLS ?? '', ['kubectl', ...words], env, { input })
}

/** What `kubectl get … -o json` answers. @throws Error with what kubectl said */
export async function get(kubeconfig: string, words: string[]): Promise<KubeObject[]> {
  const { code, out, err } = await kubectl(kubeconfig, [
    'get',
    ...words,
    '--show-managed-fields',
    '-o',
    'json',
  ])
  if (code !== 0) throw new Error(err)
  const answer = JSON.parse(out) as KubeObject & { items?: KubeObject[] }
  return answer.items ?? [answer]
}
