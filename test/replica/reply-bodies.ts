/** The record in a reply. */
import type { Codec } from '../../src/jute/record.ts'
import { decode } from '../../src/jute/record.ts'
import type { Reply } from '../../src/replica/contract.ts'

export function bodyOf<T>(codec: Codec<T>, reply: Reply): T {
  if (reply.kind !== 'reply' || reply.body === null) throw new Error(`no body: ${JSON.stringify(reply.kind)}`)
  const body = decode(codec, reply.body)
  if (!body.ok) throw new Error('the body does not decode')
  return body.value
}
