import { clusterManifest, type Manifest, manifest, namespace } from './manifest.ts'

const group = 'rbac.authorization.k8s.io'

/** Whose rights they are, and where that account lives: in the release's namespace unless it is said. */
interface Account {
  account: string
  home?: string
}

/** A ClusterRole and its binding for an account. Paper asks for no rights, so the role says nothing. */
export function clusterRights(role: string, binding: string, to: Account): Manifest[] {
  return [
    clusterManifest(`${group}/v1`, 'ClusterRole', role, { rules: [] }),
    clusterBinding(binding, role, to),
  ]
}

/** A ClusterRoleBinding for an account to a role that is there already. */
export function clusterBinding(name: string, role: string, { account, home = namespace }: Account): Manifest {
  return clusterManifest(`${group}/v1`, 'ClusterRoleBinding', name, {
    roleRef: { apiGroup: group, kind: 'ClusterRole', name: role },
    subjects: [{ kind: 'ServiceAccount', name: account, namespace: home }],
  })
}

/** A Role and its binding of the same name for an account. */
export function rights(name: string, { account, home = namespace }: Account): Manifest[] {
  const metadata = { namespace: home }
  return [
    manifest(`${group}/v1`, 'Role', name, { metadata, rules: [] }),
    manifest(`${group}/v1`, 'RoleBinding', name, {
      metadata,
      roleRef: { apiGroup: group, kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', name: account, namespace: home }],
    }),
  ]
}
