import { describe, expect, it } from 'vitest'
import type { ServerId } from '../../src/base/ids.ts'
import { negotiateTimeoutMs } from '../../src/sessions/negotiate-timeout.ts'
import { SessionIdSource } from '../../src/sessions/session-id-source.ts'

const server = (id: number): ServerId => id as ServerId

describe('session ids', () => {
  it('carry the server in the top byte and the time below it', () => {
    const wallMs = 0x0123456789a
    expect(new SessionIdSource(server(3), wallMs).next()).toBe(0x03_12_34_56_78_9a_00_00n)
  })

  it('of server 0 have nothing in the top byte', () => {
    expect(new SessionIdSource(server(0), 0x0123456789a).next()).toBe(0x12_34_56_78_9a_00_00n)
  })

  it('lose the top of a time that has more than forty bits', () => {
    expect(new SessionIdSource(server(1), 2 ** 40 + 5).next()).toBe(0x01_00_00_00_00_05_00_00n)
  })

  it('count up by one', () => {
    const source = new SessionIdSource(server(254), 1)
    const first = source.next()
    expect([source.next(), source.next()]).toEqual([first + 1n, first + 2n])
  })

  it('never take the value that marks containers', () => {
    const source = new SessionIdSource(server(128), 2 ** 40)
    expect(source.next()).toBe(0x8000000000000001n)
  })

  it('are not made for a server id that would look like a TTL node', () => {
    expect(() => new SessionIdSource(server(255), 1)).toThrow('server id fits')
  })
})

describe('the negotiated timeout', () => {
  it.each([
    [-1, 4000],
    [0, 4000],
    [3999, 4000],
    [4000, 4000],
    [30_000, 30_000],
    [40_000, 40_000],
    [40_001, 40_000],
  ])('of %d ms asked is %d ms granted', (requestedMs, grantedMs) => {
    expect(negotiateTimeoutMs(requestedMs, { minMs: 4000, maxMs: 40_000 })).toBe(grantedMs)
  })
})
