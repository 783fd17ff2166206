/** The frames of a client that sends only valid requests. All succeed, except the create if the znode exists already. */
import { joined } from '../support/conversation.ts'
import { closeSessionFrame, createFrame, existsFrame, getDataFrame } from '../support/requests.ts'
import { handshake } from './handshake.ts'

export function saneFrames(): {
  readonly bytes: Uint8Array
  readonly expected: readonly {
    readonly xid: number
    readonly name: 'create' | 'exists' | 'getData' | 'closeSession'
  }[]
  readonly okCount: number
} {
  const path = '/sane'
  return {
    bytes: joined(
      handshake({ timeoutMs: 5000 }),
      createFrame(1, path),
      existsFrame(2, path),
      getDataFrame(3, path),
      closeSessionFrame(4),
    ),
    expected: [
      { xid: 1, name: 'create' },
      { xid: 2, name: 'exists' },
      { xid: 3, name: 'getData' },
      { xid: 4, name: 'closeSession' },
    ],
    okCount: 3,
  }
}
