import { dump } from 'js-yaml'

/** Who and where a kubeconfig is for; certificates and key are PEM texts. */
export interface KubeconfigSpec {
  cluster: string
  /** `https://<address>:6443` */
  server: string
  /** The name in the server's certificate: a lost reserved address changes the address, never this. */
  tlsServerName: string
  ca: string
  cert: string
  key: string
}

/** The text of a kubeconfig with one cluster, user and context, all named as the cluster. */
export function renderKubeconfig(wish: KubeconfigSpec): string {
  const name = wish.cluster
  return dump(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name,
          cluster: {
            server: wish.server,
            'tls-server-name': wish.tlsServerName,
            'certificate-authority-data': base64(wish.ca),
          },
        },
      ],
      users: [
        { name, user: { 'client-certificate-data': base64(wish.cert), 'client-key-data': base64(wish.key) } },
      ],
      contexts: [{ name, context: { cluster: name, user: name } }],
      'current-context': name,
    },
    { lineWidth: -1 },
  )
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
