import { z } from 'zod'

const mount = z.object({ name: z.string(), readOnly: z.boolean().nullish() })
const container = z.object({ volumeMounts: z.array(mount).nullish() })
const podSpec = z.object({
  volumes: z
    .array(
      z.object({
        name: z.string().default(''),
        hostPath: z.object({ path: z.string(), type: z.string().nullish() }).nullish(),
      }),
    )
    .nullish(),
  containers: z.array(container).nullish(),
  initContainers: z.array(container).nullish(),
})

/** Folders of the system, of Kubernetes and of what lasts no longer than the machine runs: nobody keeps data there. */
const ofTheSystem =
  /^\/($|(bin|boot|dev|etc|lib|lib64|proc|run|sbin|sys|tmp|usr)(\/|$)|var\/(cache|log|run|tmp)(\/|$)|opt\/cni(\/|$)|var\/lib\/(cni|containerd|docker|kubelet|rancher|regrow)(\/|$))/
const noFiles = /^(Socket|CharDevice|BlockDevice)$/

/**
 * Paths on its machine's own disk into which a pod may write what somebody wants to keep; no backup holds these, and they
 * go with the machine.
 * @param spec of a pod, as the API has it
 */
export function diskPaths(spec: unknown): string[] {
  const { volumes, containers, initContainers } = podSpec.safeParse(spec).data ?? {}
  const written = new Set(
    [...(containers ?? []), ...(initContainers ?? [])]
      .flatMap(({ volumeMounts }) => volumeMounts ?? [])
      .filter(({ readOnly }) => readOnly !== true)
      .map(({ name }) => name),
  )
  const paths = (volumes ?? []).flatMap(({ name, hostPath }) =>
    hostPath && written.has(name) && !noFiles.test(hostPath.type ?? '') && !ofTheSystem.test(hostPath.path)
      ? [hostPath.path]
      : [],
  )
  return [...new Set(paths)]
}
