import { z } from 'zod'
import { type Kube, ToolFailure } from '../../clients/tools.ts'
import { kubectlRepeated } from '../../kubernetes/repeated.ts'

/** Kinds that tell under which names people reach a cluster; of each but the first the cluster may know nothing. */
const kinds = [
  'ingresses.networking.k8s.io',
  'services',
  'ingressroutes.traefik.io',
  'ingressroutetcps.traefik.io',
  'httproutes.gateway.networking.k8s.io',
  'grpcroutes.gateway.networking.k8s.io',
  'tlsroutes.gateway.networking.k8s.io',
  'gateways.gateway.networking.k8s.io',
]

const text = z.string().optional()
const thing = z.object({
  kind: z.string(),
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    annotations: z.record(z.string(), z.string()).optional(),
  }),
  spec: z
    .object({
      rules: z.array(z.object({ host: text })).nullish(),
      tls: z.unknown().optional(),
      routes: z.array(z.object({ match: z.string().default('') })).nullish(),
      hostnames: z.array(z.string()).nullish(),
      listeners: z.array(z.object({ hostname: text })).nullish(),
      type: text,
    })
    .prefault({}),
})
const certified = z.array(z.object({ hosts: z.array(z.string()).nullish() }))

/**
 * The host names that the apps answer to, in order; a Service with an address of its own whose names nothing tells stands
 * for itself.
 * @param resources the kinds that the backup holds, such as `ingressroutes.traefik.io`
 */
export async function hosts(kube: Kube, resources: ReadonlySet<string>): Promise<string[]> {
  const found: string[] = []
  for (const kind of kinds.filter((one, at) => at === 0 || resources.has(one)))
    try {
      const answer = await kubectlRepeated(kube)`get ${kind} -A -o json`
      found.push(...answer.json(z.object({ items: z.array(z.unknown()) })).items.flatMap(hostsOf))
    } catch (error) {
      if (!(error instanceof ToolFailure)) throw error // what cannot be listed is told as missing
    }
  return [...new Set(found)].toSorted()
}

/** The host names of one object; none of a kind, or of a form, that is not known. */
export function hostsOf(one: unknown): string[] {
  const { kind, metadata, spec } = thing.safeParse(one).data ?? {}
  if (!metadata || !spec) return []
  if (kind === 'Service') return spec.type === 'LoadBalancer' ? namesOf(metadata) : []
  return [
    ...(spec.rules ?? []).flatMap(({ host }) => host ?? []),
    ...(kind === 'Ingress'
      ? (certified.safeParse(spec.tls).data ?? []).flatMap(({ hosts }) => hosts ?? [])
      : []),
    ...(spec.routes ?? []).flatMap(({ match }) => matched(match)),
    ...(spec.hostnames ?? []),
    ...(spec.listeners ?? []).flatMap(({ hostname }) => hostname ?? []),
  ]
}

/** ``Host(`a.org`, `b.org`) || HostSNI(`c.org`)``: the names in a rule of Traefik's. */
const matched = (rule: string): string[] =>
  [...rule.matchAll(/\bHost(?:SNI)?\(([^()]*)\)/g)]
    .flatMap(([, names = '']) =>
      [...names.matchAll(/[`"']([^`"']+)[`"']/g)].flatMap(([, name]) => name ?? []),
    )
    .filter((name) => name !== '*')

/** What external-dns would be told, else the Service itself; the platform's leads to what Ingresses and routes name. */
function namesOf({ name, namespace, annotations = {} }: z.infer<typeof thing>['metadata']): string[] {
  const told = annotations['external-dns.alpha.kubernetes.io/hostname']
  if (told !== undefined) return told.split(',').flatMap((one) => one.trim() || [])
  return namespace === 'ingress' && name === 'traefik'
    ? []
    : [`(your names for Service ${namespace}/${name})`]
}
