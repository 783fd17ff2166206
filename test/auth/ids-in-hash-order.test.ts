import { expect, test } from 'vitest'
import type { AuthId } from '../../src/auth/auth-id.ts'
import { withIdsInHashOrder } from '../../src/auth/ids-in-hash-order.ts'
import { javaAddressText } from '../../src/auth/ip-address.ts'

/** The output of Java 17 for `Collections.newSetFromMap(new ConcurrentHashMap<>())` with the ip id and then the first ids of users. */
const ordersOfJava: readonly string[] = [
  'u1 u0 u2 ip',
  'u1 u0 u3 u2 ip u4',
  'u6 u3 u7 ip u9 u1 u0 u8 u2 u5 u4 u10',
  'u6 u11 u3 u7 ip u9 u1 u0 u8 u2 u5 u4 u10',
  'u6 u11 u3 u7 ip u9 u12 u1 u0 u8 u2 u5 u4 u10',
  'u14 u20 u11 u18 ip u9 u23 u0 u8 u16 u21 u4 u10 u15 u13 u6 u3 u17 u7 u19 u12 u22 u1 u2 u5',
  'u14 u20 u11 u25 u18 u26 ip u28 u9 u23 u29 u0 u8 u16 u21 u4 u10 u15 u13 u6 u3 u17 u7 u19 u12 u22 u1 u27 u2 u5 u24',
  'u54 u48 u44 u11 u25 u52 u18 u28 u31 u41 u34 u21 u10 u57 u43 u37 u51 u53 u17 u59 u50 u12 u1 u32 u45 u24 u56 u14 u30 u20 u58 u26 ip u40 u9 u23 u29 u39 u0 u8 u16 u36 u4 u46 u33 u15 u13 u49 u6 u3 u7 u38 u19 u22 u27 u35 u42 u2 u47 u5 u55',
]

function userId(number: number): AuthId {
  return { scheme: 'digest', id: `u${number}:hash${number * 7919}` }
}

function namesOf(ids: readonly AuthId[]): string {
  return ids.map(({ scheme, id }) => (scheme === 'ip' ? 'ip' : id.slice(0, id.indexOf(':')))).join(' ')
}

test.each(ordersOfJava)('ids stand in the order of the hash table of Java: %s', (order) => {
  let ids: readonly AuthId[] = [{ scheme: 'ip', id: '127.0.0.1' }]
  const userCount = order.split(' ').length - 1
  for (let number = 0; number < userCount; number++) ids = withIdsInHashOrder(ids, [userId(number)])
  expect(namesOf(ids)).toBe(order)
})

test('an id that the connection has already moves nothing', () => {
  const ids = withIdsInHashOrder([{ scheme: 'ip', id: '127.0.0.1' }], [userId(0), userId(1)])
  expect(withIdsInHashOrder(ids, [userId(1), userId(0)])).toBe(ids)
})

test.each([
  ['::1', '0:0:0:0:0:0:0:1'],
  ['2001:db8::ff00:42:8329', '2001:db8:0:0:0:ff00:42:8329'],
  ['127.0.0.1', '127.0.0.1'],
])('the address %s is %s as Java writes it', (address, text) => {
  expect(javaAddressText(address)).toBe(text)
})
