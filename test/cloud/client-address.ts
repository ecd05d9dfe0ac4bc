import { steadyFetch } from '../../lib/clients/steady-fetch.ts'
import { parts } from '../../lib/cluster/versions.ts'
import type { Answer } from './question.ts'
import { applied, kubectl, type Sight, until } from './sight.ts'

const name = 'first-contact-client'
const namespace = 'first-contact'

/** A page that tells what Traefik says of who asks. */
const page = `mkdir -p /tmp/www/cgi-bin
printf '#!/bin/sh\\nprintf "content-type: text/plain\\\\n\\\\n%%s" "$HTTP_X_FORWARDED_FOR"\\n' > /tmp/www/cgi-bin/client
chmod +x /tmp/www/cgi-bin/client
exec httpd -f -p 8080 -h /tmp/www`

const labels = { app: name }
const app = [
  {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels },
    spec: {
      containers: [
        {
          name: 'page',
          image: `docker.io/library/busybox:${parts.busybox.version}`,
          command: ['sh', '-c', page],
          resources: { limits: { memory: '16Mi' } },
        },
      ],
    },
  },
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { selector: labels, ports: [{ port: 80, targetPort: 8080 }] },
  },
  {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name, namespace },
    spec: {
      ingressClassName: 'traefik',
      rules: [
        {
          host: 'client.first-contact.test',
          http: {
            paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name, port: { number: 80 } } } }],
          },
        },
      ],
    },
  },
]

/** What a sender's address is, by its range. */
export function kindOf(address: string): string {
  if (/^10\.4[23]\./.test(address)) return 'one of the pods’ network'
  if (/^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)/.test(address)) return 'one of DigitalOcean’s own'
  return /^[\d.]+$|:/.test(address) ? 'its client’s' : 'none'
}

/** Asks an app behind Traefik who asked it; the address itself is not noted. */
export async function seesClient({ kubeconfig, address, patience }: Sight): Promise<Answer> {
  await applied(kubeconfig, ...app)
  try {
    const told = await until(patience, async () => {
      const answer = await steadyFetch(`http://${address}/cgi-bin/client`, {
        headers: { host: 'client.first-contact.test' },
      }).catch(() => undefined)
      return answer?.status === 200 ? (await answer.text()).trim() : undefined
    })
    if (told === undefined) throw new Error(`the app did not answer within ${patience} s`)
    return { said: kindOf(told.split(',')[0] ?? '') }
  } finally {
    for (const kind of ['ingress', 'service', 'pod'])
      await kubectl(kubeconfig, ['delete', kind, name, '-n', namespace, '--ignore-not-found'])
  }
}
