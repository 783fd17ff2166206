/** A check that talks to the server in a session of its own, which it may lose. */
import type { Check } from '../checks.ts'
import { connectRaw, type RawSession } from '../raw-client.ts'

export type Talk = (session: RawSession) => Promise<void>

export type MakeCheck = (title: string, talk: Talk) => Check

export function sessionCheck(port: number): MakeCheck {
  return (title, talk) => ({
    title,
    async run() {
      const session = await connectRaw({ port })
      await talk(session)
      session.drop()
    },
  })
}
