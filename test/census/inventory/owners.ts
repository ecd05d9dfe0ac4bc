import type { Thing } from '../things.ts'

/** Owned by another object of its namespace; whose uid is put in when it is made. */
export const ownedBy = (apiVersion: string, kind: string, name: string) => ({
  ownerReferences: [{ apiVersion, kind, name }] as unknown as NonNullable<
    Thing['metadata']['ownerReferences']
  >,
})
