import { expect, test } from 'vitest'
import { fieldsOfWord } from '../../src/cli/word-fields.ts'

test('dump of a leader becomes sessions with their expiry, ephemerals and connections', () => {
  const text = `SessionTracker dump:
Local Session Sets (1)/(1):
1 expire at Fri Nov 20 18:04:33 UTC 2026:
\t0x1
Global Session Sets (1)/(2):
2 expire at Fri Nov 20 18:04:35 UTC 2026:
\t0x2
\t0x3
ephemeral nodes dump:
Sessions with Ephemerals (1):
0x2:
\t/a/e
\t/b e
Connections dump:
Connections Sets (1)/(1):
1 expire at Fri Nov 20 18:04:37 UTC 2026:
\tip: /[::1]:59906 sessionId: 0x2
`
  const expiresAt = 'Fri Nov 20 18:04:35 UTC 2026'
  expect(fieldsOfWord('dump', text)).toEqual({
    sessions: [
      { sessionId: '0x1', scope: 'local', expiresAt: 'Fri Nov 20 18:04:33 UTC 2026', timeoutMs: null },
      { sessionId: '0x2', scope: 'global', expiresAt, timeoutMs: null },
      { sessionId: '0x3', scope: 'global', expiresAt, timeoutMs: null },
    ],
    ephemerals: { '0x2': ['/a/e', '/b e'] },
    connections: [{ address: '[::1]:59906', sessionId: '0x2', expiresAt: 'Fri Nov 20 18:04:37 UTC 2026' }],
  })
})

test('dump of a follower becomes sessions with their timeouts', () => {
  const text = 'SessionTracker dump:\nGlobal Sessions(1):\n0x2\t4000ms\nephemeral nodes dump:\n'
  expect(fieldsOfWord('dump', text)).toMatchObject({
    sessions: [{ sessionId: '0x2', scope: 'global', expiresAt: null, timeoutMs: 4000 }],
  })
})

test('the watch words become counts and lists', () => {
  expect(fieldsOfWord('wchs', '1 connections watching 2 paths\nTotal watches:3\n')).toEqual({
    connections: 1,
    paths: 2,
    watches: 3,
  })
  expect(fieldsOfWord('wchc', '0x1\n\t/a\n\t/b\n\n')).toEqual({ paths: { '0x1': ['/a', '/b'] } })
  expect(fieldsOfWord('wchp', '/a\n\t0x1\n\t0x2\n\n')).toEqual({ sessions: { '/a': ['0x1', '0x2'] } })
})

test('dirs, hash, isro and the trace mask become fields', () => {
  expect(fieldsOfWord('dirs', 'datadir_size: 1\nlogdir_size: 2\n')).toEqual({ datadir_size: 1, logdir_size: 2 })
  expect(fieldsOfWord('hash', '80: -5\n')).toEqual({ digests: [{ zxid: '0x80', digest: '-5' }] })
  expect(fieldsOfWord('hash', '')).toEqual({ digests: [] })
  expect(fieldsOfWord('isro', 'rw')).toEqual({ mode: 'rw' })
  expect(fieldsOfWord('gtmk', '306')).toEqual({ traceMask: 306 })
})
