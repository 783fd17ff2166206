import { expect, test } from 'vitest'
import { parseConnectString } from '../../src/client/connect-string.ts'

test('a connect string lists servers and may end in a chroot', () => {
  expect(parseConnectString('a:1, b ,[::1]:3/x/y')).toEqual({
    ok: true,
    value: {
      addresses: [
        { host: 'a', port: 1 },
        { host: 'b', port: 2181 },
        { host: '::1', port: 3 },
      ],
      chroot: '/x/y',
    },
  })
})

test('a single slash is not a chroot', () => {
  expect(parseConnectString('a:1/')).toMatchObject({ ok: true, value: { chroot: '' } })
})

test.each(['', 'a:0', 'a:99999', 'a:b', '::1:2181', 'a:1/x//y', 'a:1,,b:2'])(
  'the connect string "%s" is refused',
  (text) => {
    expect(parseConnectString(text).ok).toBe(false)
  },
)
