import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { Image } from './image.ts'

// No AVX and no XSAVE, which are emulated slowly: a boot takes a fifth less than with everything that QEMU can.
const emulated = 'qemu64,+aes,+pclmulqdq,+ssse3,+sse4.1,+sse4.2,+popcnt,+rdrand'

let found: string[] | undefined

/**
 * QEMU's words for how machines run here: by KVM where a guest was seen to start with it (on some machines /dev/kvm can
 * be opened and no guest runs), else by emulation, some ten times slower.
 */
export function acceleration(image: Image): string[] {
  found ??= kvmStarts(image)
    ? ['-accel', 'kvm', '-cpu', 'host']
    : ['-accel', 'tcg,thread=multi', '-cpu', emulated]
  return found
}

/** Whether a kernel without a disk says its first words; it ends by itself, because it finds no root. */
function kvmStarts({ kernel }: Image): boolean {
  if (!existsSync('/dev/kvm')) return false
  const words = [
    ...['-M', 'q35', '-accel', 'kvm', '-cpu', 'host', '-m', '512', '-nodefaults', '-display', 'none'],
    ...['-no-reboot', '-serial', 'stdio', '-kernel', kernel, '-append', 'console=ttyS0 panic=-1'],
  ]
  const { stdout } = spawnSync('qemu-system-x86_64', words, { encoding: 'utf8', timeout: 30_000 })
  return /Linux version/.test(stdout ?? '')
}
