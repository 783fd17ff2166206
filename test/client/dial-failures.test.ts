import { expect, it } from 'vitest'
import { explainDialFailure } from '../../src/client/dial-failure.ts'

it.each([
  ['ECONNREFUSED', 'connection refused (ECONNREFUSED); no server listens on this port'],
  ['ENOTFOUND', 'unknown host (ENOTFOUND); check the name'],
  ['EAI_AGAIN', 'the DNS server does not answer (EAI_AGAIN); check the network, or write the IP address'],
  ['ETIMEDOUT', 'no answer (ETIMEDOUT); the host is down, or a firewall drops the packets'],
  ['ENETUNREACH', 'no route to this host (ENETUNREACH); check the address and the network'],
  ['EHOSTUNREACH', 'no route to this host (EHOSTUNREACH); check the address and the network'],
  [
    'ECONNRESET',
    'the connection was reset (ECONNRESET); the server is at its limit of connections, or is not a ZooKeeper server',
  ],
  ['EPROTO', 'text of the system'],
])('a dial that fails with %s is explained', (code, words) => {
  expect(explainDialFailure(Object.assign(new Error('text of the system'), { code }))).toBe(words)
})
