// What flows use of this folder.

export { applyRoot, healthy } from './applications.ts'
export { sampleBound } from './claims.ts'
export { ensureCloudToken } from './cloud-token.ts'
export { uncordon } from './drain.ts'
export { health } from './health.ts'
export { writeKubeconfig } from './kubeconfig.ts'
export { letIn } from './operators.ts'
export { revokeKubeconfigs } from './revoke.ts'
