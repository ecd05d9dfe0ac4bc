import {
  type BundleSpec,
  type ClusterAuthorities,
  makeClusterAuthorities,
  type NodeSpec,
} from '../src/index.ts'

/** A moment for all certificates of these tests. */
export const now = new Date('2026-11-23T12:00:00Z')

/** One set of authorities for a whole test file: they take a while to make. */
export const authorities: ClusterAuthorities = await makeClusterAuthorities({ now })

/** A URL signed by SigV4 as the AWS SDK writes it, about 500 bytes long. */
export function signedUrl(key: string, method = 'GetObject', date = '20261123T120000Z'): string {
  const query = [
    'X-Amz-Algorithm=AWS4-HMAC-SHA256',
    'X-Amz-Content-Sha256=UNSIGNED-PAYLOAD',
    'X-Amz-Credential=DO00ABCDEFGHIJKLMNOP%2F20261123%2Ffra1%2Fs3%2Faws4_request',
    `X-Amz-Date=${date}`,
    'X-Amz-Expires=604800',
    `X-Amz-Signature=${'a1'.repeat(32)}`,
    'X-Amz-SignedHeaders=host',
    `x-id=${method}`,
  ]
  const host = 'https://regrow-a-name-of-twenty-chars-0123456789abcdef-kit.fra1.digitaloceanspaces.com'
  return `${host}/${key}?${query.join('&')}`.padEnd(500, '&padding')
}

/** A first server as the flows describe one. */
export const firstServer: NodeSpec = {
  cluster: 'main',
  name: 'main-1',
  role: 'first-server',
  network: '10.110.0.0/20',
  externalAddress: '203.0.113.10',
  tlsSans: ['main.regrow.internal'],
  tokens: { server: 'server-token-0123456789', agent: 'agent-token-0123456789' },
  k3s: { version: 'v1.36.5+k3s1', url: 'https://example.org/k3s', sha256: 'ab'.repeat(32) },
}

/** The same cluster's second server and an agent. */
export const secondServer: NodeSpec = joining('server', 'main-2')
export const agent: NodeSpec = joining('agent', 'main-3')

function joining(role: 'server' | 'agent', name: string): NodeSpec {
  const { externalAddress: _, ...rest } = firstServer
  return { ...rest, role, name, join: 'https://10.110.0.2:6443' }
}

/** A whole wish for this node's bundle. */
export function bundleWish(node: NodeSpec, more: Partial<BundleSpec> = {}): BundleSpec {
  const report = (step: string) => signedUrl(`nodes/${node.name}/${step}.json`, 'PutObject')
  return {
    node,
    authorities,
    reports: { fetch: report('fetch'), host: report('host'), k3s: report('k3s'), argocd: report('argocd') },
    deleteUrl: signedUrl(`bundles/${node.name}.tar.gz`, 'DeleteObject'),
    ...more,
  }
}
