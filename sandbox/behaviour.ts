import { z } from 'zod'
import type { World } from './world.ts'

const behaviour = z.object({
  /** How long a fresh Spaces key is not known yet (ms). */
  keyPropagationMs: z.number().default(0),
  /** Regular expressions on names of buckets that were deleted and are held for a while: there is none, and none can be made. */
  heldBuckets: z.array(z.string()).default([]),
  /** What a Spaces key for single buckets may do with earlier versions of objects: nobody says, so the worst for us. */
  limitedKeyVersions: z.enum(['erase', 'see', 'nothing']).default('erase'),
  /** True for a fine-grained GitHub token, whose answers do not tell scopes. */
  githubFineGrained: z.boolean().default(false),
  /** More GitHub tokens of the user, which may do the same. */
  githubTokens: z.array(z.string()).default([]),
  /** GitHub tokens that were deleted; the deploy keys that were added with one are gone with it. */
  githubRevoked: z.array(z.string()).default([]),
  /** What a classic GitHub token may do; `workflow` is what workflow files need besides `repo`. */
  githubScopes: z.string().default('repo, delete_repo'),
  /** False when the GitHub token may not create repositories. */
  githubMayCreate: z.boolean().default(true),
  /** False when it may read repositories and not write to them. */
  githubMayWrite: z.boolean().default(true),
  /** Organisations that the GitHub user owns. */
  githubOrganisations: z.array(z.string()).default([]),
  /**
   * What keeps commits from main unless they come by a pull request: a ruleset of the repository, one of the organisation,
   * or a branch protection as it was before.
   */
  githubProtection: z.enum(['none', 'ruleset', 'organisation', 'classic']).default('none'),
  /** Whether those take deploy keys, and whether they tell it. */
  githubDeployKeys: z.enum(['allowed', 'forbidden', 'forbidden untold']).default('allowed'),
  /** How long a new repository with a first commit still looks empty (ms). */
  githubInitMs: z.number().default(0),
  /** Regular expressions on paths of the upstream mirror: what matches is served with one byte altered. */
  corrupt: z.array(z.string()).default([]),
  /** Regular expressions on paths of the upstream mirror: what matches was withdrawn, 404. */
  gone: z.array(z.string()).default([]),
  /** Regular expressions on images that no registry serves. */
  unpullable: z.array(z.string()).default([]),
  /** Regular expressions on names: machines that are on and of which nothing is ever heard. */
  silent: z.array(z.string()).default([]),
  /** True when k3s does not manage to move its datastore into etcd. */
  convertFails: z.boolean().default(false),
})

/** How the world's servers behave beyond the plain case, as `behaviour.json` in the world's folder says. */
export type Behaviour = z.infer<typeof behaviour>

/** Reads `behaviour.json` anew, so that a test can change it between two requests. */
export function behaviourOf(world: World): Behaviour {
  return behaviour.parse(world.load('behaviour') ?? {})
}
