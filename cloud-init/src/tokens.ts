import { createHash } from 'node:crypto'

/**
 * The full form of a k3s token, `K10<hash>::<user>:<password>`, with which a joining node checks the cluster's CA.
 * The hash of a single self-signed certificate is the SHA-256 of its PEM file as the server hands it out
 * (k3s pkg/clientaccess/token.go).
 * @param as `server` for the server token, `node` for the agent token
 */
export function joinToken(as: 'server' | 'node', password: string, serverCa: string): string {
  return `K10${createHash('sha256').update(serverCa).digest('hex')}::${as}:${password}`
}
