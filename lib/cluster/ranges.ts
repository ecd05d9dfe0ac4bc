import { isIPv4 } from 'node:net'

/** The ranges that pods and services use; the private network must be clear of both. */
export const podRange = '10.42.0.0/16'
export const serviceRange = '10.43.0.0/16'

/** Whether two IPv4 ranges have an address in common. */
export function overlap(one: string, other: string): boolean {
  const [a, b] = [bounds(one), bounds(other)]
  return a.first <= b.last && b.first <= a.last
}

/** Whether this is an IPv4 range whose address is the first of it. */
export function isNetwork(cidr: string): boolean {
  const [address = '', bits = ''] = cidr.split('/')
  return (
    isIPv4(address) &&
    /^\d{1,2}$/.test(bits) &&
    Number(bits) <= 32 &&
    numberOf(address) === bounds(cidr).first
  )
}

const numberOf = (address: string) => address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0)

function bounds(cidr: string): { first: number; last: number } {
  const [address = '', bits = '32'] = cidr.split('/')
  const size = 2 ** (32 - Number(bits))
  const first = Math.floor(numberOf(address) / size) * size
  return { first, last: first + size - 1 }
}
