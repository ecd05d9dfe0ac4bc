import { backoff } from '../base/wait.ts'
import { type Kube, kubectl, type Output, type Template, ToolFailure } from '../clients/tools.ts'

/** What no repetition heals: the API server answered and refused, or nobody knows the kind. */
const refusal =
  /Error from server \((NotFound|AlreadyExists|Forbidden|Invalid|BadRequest|MethodNotAllowed|Unauthorized)\)|doesn.t have a resource type|error validating/

/**
 * Repeats what may be done twice, a look or an idempotent change: the API is away for a moment while servers come and
 * go, and connections are cut. Five attempts, with growing pauses; a refusal is not repeated.
 * @throws ToolFailure of the last attempt
 */
export async function repeated(act: () => Promise<Output>): Promise<Output> {
  for (let attempt = 1; ; attempt++)
    try {
      return await act()
    } catch (error) {
      if (!(error instanceof ToolFailure) || refusal.test(error.message) || attempt === 5) throw error
      await backoff(attempt)
    }
}

/** kubectl for what may be done twice, {@link repeated}; `input` goes to stdin. */
export const kubectlRepeated = (kube: Kube, input?: string): Template => {
  return (pieces, ...words) => repeated(() => kubectl(kube, input)(pieces, ...words))
}

/** Applies a manifest in Argo CD's name, so that it adopts the object as its own and no field has two owners. */
export const applyForArgoCd = (kube: Kube, manifest: string): Promise<Output> =>
  kubectlRepeated(
    kube,
    manifest,
  )`apply --server-side --force-conflicts --field-manager argocd-controller -f -`
