/** The ranges that pods and services use; the private network must be clear of both. */
export const podRange = '10.42.0.0/16'
export const serviceRange = '10.43.0.0/16'

/** Whether two IPv4 ranges have an address in common. */
export function overlap(one: string, other: string): boolean {
  const [a, b] = [bounds(one), bounds(other)]
  return a.first <= b.last && b.first <= a.last
}

function bounds(cidr: string): { first: number; last: number } {
  const [address = '', bits = '32'] = cidr.split('/')
  const size = 2 ** (32 - Number(bits))
  const value = address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0)
  const first = Math.floor(value / size) * size
  return { first, last: first + size - 1 }
}
