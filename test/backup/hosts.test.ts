import t from 'tap'
import { hostsOf } from '../../lib/backup/restore/hosts.ts'

// Which names lead to a cluster, as each kind tells them.

const thing = (kind: string, spec: object, annotations: Record<string, string> = {}) => ({
  kind,
  metadata: { name: 'mail', namespace: 'shop', annotations },
  spec,
})

for (const [name, one, wanted] of [
  [
    'Ingress',
    thing('Ingress', { rules: [{ host: 'a.org' }, {}], tls: [{ hosts: ['b.org'] }, {}] }),
    ['a.org', 'b.org'],
  ],
  ['an Ingress for every name', thing('Ingress', { rules: [{}] }), []],
  [
    'IngressRoute',
    thing('IngressRoute', {
      routes: [
        { match: 'Host(`a.org`) && PathPrefix(`/x`)' },
        { match: 'Host(`b.org`, `c.org`) || (Host("d.org") && !Path(`/y`))' },
        { match: 'PathPrefix(`/e.org`)' },
        { match: 'HostRegexp(`^.+\\.f\\.org$`)' },
      ],
    }),
    ['a.org', 'b.org', 'c.org', 'd.org'],
  ],
  [
    'IngressRouteTCP',
    thing('IngressRouteTCP', { routes: [{ match: 'HostSNI(`db.org`)' }, { match: 'HostSNI(`*`)' }] }),
    ['db.org'],
  ],
  ['HTTPRoute', thing('HTTPRoute', { hostnames: ['a.org', '*.b.org'] }), ['a.org', '*.b.org']],
  ['Gateway', thing('Gateway', { listeners: [{ hostname: 'a.org' }, { name: 'all' }] }), ['a.org']],
  [
    'a Service with names of its own',
    thing(
      'Service',
      { type: 'LoadBalancer' },
      { 'external-dns.alpha.kubernetes.io/hostname': 'a.org, b.org' },
    ),
    ['a.org', 'b.org'],
  ],
  [
    'a Service whose names nobody knows',
    thing('Service', { type: 'LoadBalancer' }),
    ['(your names for Service shop/mail)'],
  ],
  ['a Service inside', thing('Service', { type: 'ClusterIP' }), []],
  ['nothing that is known', thing('HTTPRoute', {}), []],
] as const)
  t.test(name, async (t) => t.same(hostsOf(one), wanted))

t.test('that of the platform has none of its own: Ingresses tell them', async (t) => {
  const { metadata, ...service } = thing('Service', { type: 'LoadBalancer' })
  t.same(hostsOf({ ...service, metadata: { ...metadata, namespace: 'ingress', name: 'traefik' } }), [])
})
