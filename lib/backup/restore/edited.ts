import { dump } from 'js-yaml'
import { tell } from '../../base/story.ts'
import { ToolFailure } from '../../clients/tools.ts'
import { kubectlRepeated } from '../../kubernetes/repeated.ts'
import type { BackedObject } from '../objects.ts'
import type { Live } from '../proof/live.ts'
import { keyOf, type Sight } from '../proof/outcome.ts'
import type { Returning } from '../proof/sight.ts'
import { rankOf } from '../take/selection.ts'
import { eachObject, idOf, type Manifest } from '../tarball.ts'
import { restoreName } from './bring-back.ts'
import { bare } from './return.ts'

/**
 * Kinds of which a cluster makes some by itself, once, and leaves them to people: the account of each namespace, the
 * project that Applications are in, the API server's queues. Velero leaves what is there as it is.
 */
const madeOnce =
  /^(serviceaccounts|appprojects\.argoproj\.io|(flowschemas|prioritylevelconfigurations)\.flowcontrol\.apiserver\.k8s\.io)$/
/** It has the password of Argo CD, accounts and webhooks; the first server makes it with what the kit has. */
const argocdSecret = 'secrets argocd/argocd-secret'

/**
 * Gives what the cluster made by itself the content that a person had given it in the earlier one, before Git and apps are
 * at work. What the API server refuses is told, and named in the proof as changed.
 */
export async function returnEdited(returning: Returning, { live }: Sight): Promise<void> {
  const { kube, bucket, course, cluster, held } = returning
  const wanted = new Set(toReplace(held, live, cluster.original !== undefined).map(keyOf))
  if (wanted.size === 0) return
  const found: { resource: string; one: Manifest }[] = []
  await eachObject(bucket, course.backup, (resource, one) => {
    if (wanted.has(keyOf({ resource, id: idOf(one) }))) found.push({ resource, one })
  })
  for (const { one } of found.toSorted((a, b) => rankOf(a.resource) - rankOf(b.resource))) {
    const what = `${one.kind} ${idOf(one)}`
    try {
      await kubectlRepeated(kube, dump(bare(one, restoreName(course.server, 1))))`replace -f -`
      tell('~', what, 'as it was in the backup')
    } catch (error) {
      if (!(error instanceof ToolFailure)) throw error
      tell('!', what, error.message.split('\n').at(-1)?.trim() ?? '')
    }
  }
}

/**
 * Chooses what takes the backup's content; pure. A cluster beside the original has a password and Applications of its own.
 * @param beside whether it stands beside the original
 */
export const toReplace = (held: readonly BackedObject[], live: Live, beside: boolean): BackedObject[] =>
  held.filter((one) => {
    const now = live.objects.get(one.resource)?.get(one.id)
    return (
      (madeOnce.test(one.resource) || keyOf(one) === argocdSecret) &&
      now !== undefined &&
      !now.leaving &&
      now.restoredBy === undefined &&
      (now.digest !== one.digest || now.marks !== one.marks) &&
      one.app === undefined &&
      one.owner === undefined &&
      !one.clustersOwn &&
      !(beside && one.id.startsWith('argocd/'))
    )
  })
