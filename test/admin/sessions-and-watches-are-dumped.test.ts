import { expect, test } from 'vitest'
import { adminWords } from '../../src/base/admin-words.ts'
import type { SessionId } from '../../src/base/ids.ts'
import { answer, ask, details, status } from './admin-sources.ts'

const ephemeralsAndConnections = `ephemeral nodes dump:
Sessions with Ephemerals (1):
0x1000020d5fc005d:
\t/m1/e
\t/m1/f
Connections dump:
Connections Sets (1)/(2):
2 expire at Fri Nov 20 18:04:37 UTC 2026:
\tip: /127.0.0.1:59906 sessionId: 0x1000020d5fc005d
\tip: /[::1]:59924 sessionId: 0x0
`

test('dump of a server that expires sessions lists them by their expiry time', () => {
  expect(answer('dump')).toBe(`SessionTracker dump:
Session Sets (1)/(2):
2 expire at Fri Nov 20 18:04:35 UTC 2026:
\t0x1000020d5fc005d
\t0xff00020d5fc0001
${ephemeralsAndConnections}`)
})

test('dump of a follower lists the sessions that it knows, by signed id', () => {
  const sessions = [
    { sessionId: 0x100n as SessionId, timeoutMs: 4000 },
    { sessionId: 0xfe00000000000000n as SessionId, timeoutMs: 8000 },
  ]
  const global = { kind: 'known', sessions } as const
  const ofServer = { ...details, sessions: () => ({ local: null, global }) }
  expect(ask({ word: 'dump', traceMask: null }, status, adminWords, ofServer).text).toBe(`SessionTracker dump:
Global Sessions(2):
0xfe00000000000000\t8000ms
0x100\t4000ms
${ephemeralsAndConnections}`)
})

test('dump of a server with local sessions has a heading for each kind', () => {
  const { global } = details.sessions()
  const ofServer = { ...details, sessions: () => ({ local: [], global }) } as const
  expect(ask({ word: 'dump', traceMask: null }, status, adminWords, ofServer).text).toContain(
    'SessionTracker dump:\nLocal Session Sets (0)/(0):\nGlobal Session Sets (1)/(2):\n',
  )
})

test('wchs counts connections, paths and watches', () => {
  expect(answer('wchs')).toBe('2 connections watching 3 paths\nTotal watches:4\n')
})

test('wchc lists paths by session and wchp sessions by path, and both end with an empty line', () => {
  expect(answer('wchc')).toBe('0x1000020d5fc005d\n\t/a\n\t/b\n0xff00020d5fc0001\n\t/a\n\n')
  expect(answer('wchp')).toBe('/a\n\t0x1000020d5fc005d\n\t0xff00020d5fc0001\n/b\n\t0x1000020d5fc005d\n\n')
})

test('hash prints zxids in hex and digests as signed decimals', () => {
  expect(answer('hash')).toBe('80: 1371985504\n100000080: -5\n')
})

test('dirs prints the sizes of both folders', () => {
  expect(answer('dirs')).toBe('datadir_size: 10\nlogdir_size: 20\n')
})

test('gtmk prints the trace mask and stmk echoes and sets the new one', () => {
  expect(answer('gtmk')).toBe('306')
  expect(ask({ word: 'stmk', traceMask: -2n })).toEqual({
    text: '-2',
    action: { kind: 'set-trace-mask', traceMask: -2n },
  })
})

test('crst and srst answer what is reset, and return it as an action', () => {
  expect(ask({ word: 'crst', traceMask: null })).toEqual({
    text: 'Connection stats reset.\n',
    action: { kind: 'reset-connection-statistics' },
  })
  expect(ask({ word: 'srst', traceMask: null })).toEqual({
    text: 'Server stats reset.\n',
    action: { kind: 'reset-server-statistics' },
  })
})
