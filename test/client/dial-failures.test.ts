import { expect, it } from 'vitest'
import { explainDialFailure } from '../../src/client/dial-failure.ts'

it.each([
  ['ECONNREFUSED', 'connection refused (ECONNREFUSED); no server listens on this port'],
  ['ENOTFOUND', 'unknown host (ENOTFOUND); check the name'],
  ['EAI_AGAIN', 'the name server does not answer (EAI_AGAIN); check the network, or write the address'],
  ['ETIMEDOUT', 'no answer (ETIMEDOUT); the host is down, or a firewall drops what is sent'],
  ['ENETUNREACH', 'no way to this host (ENETUNREACH); check the address and the network'],
  ['EHOSTUNREACH', 'no way to this host (EHOSTUNREACH); check the address and the network'],
  ['ECONNRESET', 'the connection was reset (ECONNRESET); the server has no room for it, or is no ZooKeeper server'],
  ['EPROTO', 'said by the system'],
])('a dial that fails with %s is explained', (code, words) => {
  expect(explainDialFailure(Object.assign(new Error('said by the system'), { code }))).toBe(words)
})
