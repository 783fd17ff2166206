import { expect, test } from 'vitest'
import { authIdUnitsMax } from '../../../src/base/limits.ts'
import { encode } from '../../../src/jute/record.ts'
import { AuthRequest, PathRequest } from '../../../src/protocol/client/requests.ts'
import { StandaloneReplica } from '../standalone-replica.ts'

/** Credentials whose id is slightly longer than the user name. */
function credentials(userUnits: number, letter: string): Uint8Array {
  const auth = new TextEncoder().encode(`${letter.repeat(userUnits)}:password`)
  return encode(AuthRequest, { type: 0, scheme: 'digest', auth })
}

test('credentials above the limit of a write are refused, and earlier ones stay valid', () => {
  const replica = new StandaloneReplica()
  replica.connect(1)
  const almostAll = authIdUnitsMax - 200
  expect(replica.ask(1, 'auth', credentials(almostAll, 'a')).error).toBe(null)
  expect(replica.ask(1, 'auth', credentials(almostAll, 'a')).error).toBe(null)
  expect(replica.ask(1, 'getACL', encode(PathRequest, { path: '/' })).error).toBe(null)
  expect(replica.ask(1, 'auth', credentials(200, 'b')).error).toBe('auth-failed')
})
