import { describe, expect, it } from 'vitest'
import type { SessionId } from '../../src/base/ids.ts'
import { SessionTable } from '../../src/sessions/session-table.ts'

const session = (id: bigint): SessionId => id as SessionId

describe('the session table', () => {
  it('holds a session from its creation to its close', () => {
    const table = new SessionTable()
    table.put(session(7n), 5000)
    expect([table.has(session(7n)), table.timeoutMsOf(session(7n)), table.count]).toEqual([true, 5000, 1])
    table.remove(session(7n))
    expect([table.has(session(7n)), table.timeoutMsOf(session(7n)), table.count]).toEqual([false, null, 0])
  })

  it('is the same after a change is applied twice', () => {
    const table = new SessionTable()
    for (let round = 0; round < 2; round++) {
      table.put(session(7n), 5000)
      table.put(session(3n), 6000)
    }
    expect([...table.entries()]).toEqual([
      [7n, 5000],
      [3n, 6000],
    ])
    table.remove(session(7n))
    table.remove(session(7n))
    expect([...table.entries()]).toEqual([[3n, 6000]])
  })
})
