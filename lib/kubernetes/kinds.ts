import type { ToolFailure } from '../clients/tools.ts'

/** Whether kubectl failed because the cluster does not know a kind, or not any more: its API answers. */
export const isUnknownKind = ({ message }: ToolFailure): boolean =>
  /doesn.t have a resource type|could not find the requested resource/.test(message)
