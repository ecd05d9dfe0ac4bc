/** What a cluster has two buckets for: backups, which the key in the cluster opens, and the kit, which it does not. */
export type BucketUse = 'velero' | 'kit'

/** A bucket that was looked into: all that tells whose it is. */
export interface SeenBucket {
  name: string
  use: BucketUse
  /** What regrow's mark in it says, which it writes when it makes a bucket or takes one over. */
  mark?: { bucket: string; cluster: string; use: BucketUse } | undefined
  /** It has exactly the name that regrow gives to a bucket that it makes. */
  isNamed: boolean
  /** The operator named it in this run, on the command line or in a file: Git's word alone is nobody's. */
  isVouched: boolean
  isEmpty: boolean
  /** The cluster whose kit is in it; `sealed` where only the passphrase would tell. */
  kit?: string | undefined
  /** Nothing is in it but what Velero makes. */
  isVeleros: boolean
  /** The kit's bucket is this cluster's, and the cluster is known to use this one beside it. */
  isPaired: boolean
}

/** The rule for buckets, of which each cluster has two: by regrow's mark in it, and without one by what it holds. */
export function isBucketOurs(
  { name, use, mark, kit, ...one }: SeenBucket,
  { cluster }: { cluster: string },
): boolean {
  if (mark) return mark.bucket === name && mark.cluster === cluster && mark.use === use
  if (one.isEmpty) return one.isNamed || one.isVouched
  if (use === 'kit') return kit === cluster || (kit === 'sealed' && one.isNamed)
  return kit === undefined && one.isVeleros && (one.isPaired || one.isVouched)
}
