import type { Api } from './api.ts'

/**
 * STOOD IN for k3s' load balancer and for Traefik: Services that want one, and Ingresses, get the machine's address.
 * @param address what the outside reaches the machine by
 */
export async function openEntrances(api: Api, address: string): Promise<void> {
  const services = await api.list('/api/v1/services')
  const ingresses = await api.list('/apis/networking.k8s.io/v1/ingresses')
  const waiting = [
    ...services
      .filter(({ spec }) => spec?.type === 'LoadBalancer')
      .map((one) => ({ one, path: '/api/v1', plural: 'services' })),
    ...ingresses.map((one) => ({
      one,
      path: '/apis/networking.k8s.io/v1',
      plural: 'ingresses',
    })),
  ].filter(({ one }) => !('ingress' in ((one.status?.loadBalancer ?? {}) as object)))
  for (const { one, path, plural } of waiting) {
    const { namespace, name } = one.metadata
    const status = { loadBalancer: { ingress: [{ ip: address }] } }
    const to = `${path}/namespaces/${namespace}/${plural}/${name}/status`
    await api.call('PATCH', to, { status }, 'application/merge-patch+json')
  }
}
