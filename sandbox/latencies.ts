/**
 * About how many seconds the real thing takes, from others' figures and without pulling images; never measured. The
 * box waits so long times its latency scale, and the bench adds them up along what depends on what.
 */
export const latencies = {
  createDroplet: 35,
  assignAddress: 6,
  /** Until cloud-init runs anything of ours. */
  cloudInit: 30,
  prepareHost: 3,
  /** From the start of k3s to a ready node on a small machine. */
  startK3s: 45,
  /** Pulling the image and starting. */
  startPod: 10,
  attachVolume: 11,
  writeBackup: 15,
  restoreObjects: 15,
  /** A volume's bytes from the bucket, and the new volume that takes them. */
  downloadVolume: 20,
  /** Off or on. */
  switchDroplet: 8,
  resizeDroplet: 60,
} as const
