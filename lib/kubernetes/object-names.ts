/** Whether Kubernetes takes this for a namespace: a label of DNS (RFC 1123). */
export const isNamespaceName = (text: string): boolean => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text)

/** Whether Kubernetes takes this for the name of nearly anything: a name of DNS (RFC 1123). */
export const isObjectName = (text: string): boolean =>
  text.length <= 253 && /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/.test(text)

/** Whether this may be a resource as Velero and kubectl call it, such as `deployments.apps`. */
export const isResourceName = (text: string): boolean =>
  text.length <= 253 && /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(text)

/**
 * Kinds whose names the API server checks less: `system:node`, `v1.`, `fd00::1`. What begins with a letter or digit and
 * has no control character is a name there, and no option.
 */
const freer =
  /^((cluster)?role(binding)?s\.rbac\.authorization\.k8s\.io|(api|csi)[a-z]+\.(apiregistration|storage)\.k8s\.io|certificatesigningrequests\.certificates\.k8s\.io|clustertrustbundles\.certificates\.k8s\.io|(ipaddresses|servicecidrs)\.networking\.k8s\.io)$/

/** Whether an object of a resource can have this name. */
export const isNameOf = (resource: string, text: string): boolean =>
  isObjectName(text) ||
  (freer.test(resource) && text.length <= 253 && /^[A-Za-z0-9][^\p{C}\p{Zl}\p{Zp}/%]*$/u.test(text))
