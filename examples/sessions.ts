/**
 * A session can end although its process lives: the process was suspended or cut off for longer than the timeout. Its
 * ephemeral znodes and watches are gone then, and the client object is of no further use. So a program that runs for
 * long needs a way to begin again with a new session, and this is it.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Client } from 'zkts/client'
import { isRefusal } from './answers.ts'

/** Ways in which a session ends, or cannot be opened, that a new session may cure. */
const curable = ['session-expired', 'session-moved', 'connection-loss'] as const

/** Runs `use` with a session; once more with a new one each time the session ends; until `use` returns. */
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
      if (!isRefusal(error, ...curable)) throw error
      await pause(retryDelayMs)
    } finally {
      await zk?.close()
    }
  }
}
