/**
 * A session can end while its process still runs, because the process was suspended or disconnected for longer than the
 * timeout. Its ephemeral znodes and watches are then gone, and the client object cannot be used again. A long-running
 * program therefore needs a way to start over with a new session, such as this one.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Client } from 'zkts/client'
import { isRefusal } from './answers.ts'

/** Errors after which a new session may succeed. */
const retriable = ['session-expired', 'session-moved', 'connection-loss'] as const

/** Runs `use` with a session, and again with a new session each time the session ends, until `use` returns. */
export async function withSessions<T>(
  open: () => Promise<Client>,
  use: (zk: Client) => Promise<T>,
  retryDelayMs = 1000,
): Promise<T> {
  for (;;) {
    let zk: Client | null = null
    try {
      zk = await open()
      return await use(zk)
    } catch (error) {
      if (!isRefusal(error, ...retriable)) throw error
      await pause(retryDelayMs)
    } finally {
      await zk?.close()
    }
  }
}
