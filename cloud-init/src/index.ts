/**
 * regrow's cloud-init library: from typed descriptions to the texts that make machines and k3s nodes.
 * It loads no cloud client and reaches no network; docs/library.md shows it in use.
 */

export {
  type BundleFiles,
  type BundleSpec,
  bundleFiles,
  renderBundle,
} from './bundle.ts'
export {
  authorityFiles,
  type CertificateSpec,
  type ClusterAuthorities,
  clusterAuthorities,
  type KeyAndCertificate,
  makeCertificate,
  makeClusterAuthorities,
  makeOperatorCertificate,
} from './certificates.ts'
export { type CloudConfig, cloudConfig, renderCloudConfig } from './cloud-config.ts'
export { type KubeconfigSpec, renderKubeconfig } from './kubeconfig.ts'
export { Problem, type ProblemOptions } from './problem.ts'
export { installSteps, type Report, reportSchema, type Step, stepDeadlines, steps } from './reports.ts'
export { type NodeSpec, nodeSpec } from './spec.ts'
export { makeSshKeyPair } from './ssh-keys.ts'
export { joinToken } from './tokens.ts'
export { renderUserData, type UserData, userDataLimit } from './user-data.ts'
