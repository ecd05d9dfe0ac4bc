// What flows use of this folder.

export { applyRoot, waitForApplication } from './applications.ts'
export { waitForSample } from './claims.ts'
export { ensureCloudToken } from './cloud-token.ts'
export { uncordon } from './drain.ts'
export { health } from './health.ts'
export { writeKubeconfig } from './kubeconfig.ts'
export { bindOperators } from './operators.ts'
export { revokeKubeconfigs } from './revoke.ts'
