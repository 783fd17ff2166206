import { expect, test } from 'vitest'
import type { Epoch, ServerId, SessionId, Zxid } from '../../../src/base/ids.ts'
import { makeZxid, zeroZxid } from '../../../src/base/ids.ts'
import type { ClusterId } from '../../../src/protocol/disk/log-record.ts'
import { describePeerMessage, type PeerMessage } from '../../../src/protocol/peer/peer-message.ts'

const epoch = 3 as Epoch
const at = (counter: number): Zxid => makeZxid(epoch, counter)
const hash = 5 as Extract<PeerMessage, { kind: 'sync-start' }>['hash']
const entry = (counter: number) => ({ zxid: at(counter), payload: new TextEncoder().encode('secret') })
const append = { kind: 'append', syncId: 7, previousZxid: at(1), previousHash: hash, committed: zeroZxid } as const
const vote = { kind: 'vote', round: 2, leader: 1 as ServerId, epoch, zxid: at(4), cannotWin: false } as const
const request = {
  sequence: 9,
  sessionId: 0xabn as SessionId,
  isLocal: false,
  type: 1,
  body: new Uint8Array(4),
  authIds: [],
}

const examples: readonly (readonly [PeerMessage, string])[] = [
  [{ ...vote, state: 'looking' }, 'vote round=2 looking for 1 epoch=3 zxid=0x300000004'],
  [
    { ...vote, state: 'looking', cannotWin: true },
    'vote round=2 looking, no candidate, for 1 epoch=3 zxid=0x300000004',
  ],
  [{ ...vote, state: 'following' }, 'vote round=2 following 1 epoch=3 zxid=0x300000004'],
  [{ ...vote, state: 'leading' }, 'vote round=2 leading epoch=3 zxid=0x300000004'],
  [
    {
      kind: 'follower-info',
      syncId: 7,
      acceptedEpoch: epoch,
      clusterId: 171 as ClusterId,
      lastZxid: at(2),
      mayCount: true,
    },
    'follower-info sync=7 accepted=3 last=0x300000002 of cluster-ab',
  ],
  [
    {
      kind: 'follower-info',
      syncId: 7,
      acceptedEpoch: epoch,
      clusterId: 0 as ClusterId,
      lastZxid: at(0),
      mayCount: false,
    },
    'follower-info sync=7 accepted=3 last=0x300000000 of no-cluster does-not-count',
  ],
  [{ kind: 'new-epoch', syncId: 7, epoch, clusterId: 171 as ClusterId }, 'new-epoch sync=7 epoch=3 of cluster-ab'],
  [
    {
      kind: 'ack-epoch',
      syncId: 7,
      countable: false,
      currentEpoch: epoch,
      lastZxid: at(1),
      lastHash: hash,
      clusterId: 1 as ClusterId,
    },
    'ack-epoch sync=7 does-not-count current=3 last=0x300000001',
  ],
  [{ kind: 'sync-start', syncId: 7, zxid: at(1), hash }, 'sync-start sync=7 at=0x300000001'],
  [{ kind: 'sync-from', syncId: 7, zxid: at(1), hash }, 'sync-from sync=7 at=0x300000001'],
  [
    { kind: 'checkpoint-offer', syncId: 7, copyId: 8, zxid: at(1), hash, sizeBytes: 9 },
    'checkpoint-offer sync=7 copy=8 at=0x300000001',
  ],
  [{ kind: 'checkpoint-request', syncId: 7, copyId: 8, number: 4 }, 'checkpoint-request sync=7 copy=8 #4'],
  [
    { kind: 'checkpoint-chunk', syncId: 7, copyId: 8, number: 4, chunk: new TextEncoder().encode('secret') },
    'checkpoint-chunk sync=7 copy=8 #4 bytes=6',
  ],
  [{ kind: 'checkpoint-end', syncId: 7, copyId: 8, chunkCount: 5 }, 'checkpoint-end sync=7 copy=8 chunks=5'],
  [{ kind: 'checkpoint-wait', syncId: 7 }, 'checkpoint-wait sync=7'],
  [{ kind: 'dropped', syncId: 7 }, 'dropped sync=7'],
  [{ kind: 'hand-over', syncId: 7, to: 3 as ServerId, round: 5 }, 'hand-over sync=7 to=3 round=5'],
  [{ kind: 'hand-over-request', syncId: 7, to: 3 }, 'hand-over-request sync=7 to=3'],
  [{ kind: 'hand-over-request', syncId: 7, to: 0 }, 'hand-over-request sync=7 to=the-best'],
  [{ ...append, entries: [] }, 'append sync=7 after=0x300000001 [] committed=0x0'],
  [{ ...append, entries: [entry(2)] }, 'append sync=7 after=0x300000001 [0x300000002] committed=0x0'],
  [
    { ...append, entries: [entry(2), entry(3), entry(4)] },
    'append sync=7 after=0x300000001 [0x300000002..0x300000004] committed=0x0',
  ],
  [
    { kind: 'new-leader', syncId: 7, epoch, clusterId: 1 as ClusterId, lastZxid: at(2) },
    'new-leader sync=7 epoch=3 last=0x300000002',
  ],
  [{ kind: 'ack-new-leader', syncId: 7, durable: at(2) }, 'ack-new-leader sync=7 durable=0x300000002'],
  [{ kind: 'up-to-date', syncId: 7, committed: at(2), recordsMoves: true }, 'up-to-date sync=7 committed=0x300000002'],
  [{ kind: 'ack', syncId: 7, durable: at(2) }, 'ack sync=7 durable=0x300000002'],
  [
    { kind: 'heartbeat', syncId: 7, sequence: 4, committed: at(2), digest: '00ff', digestVersion: 1 },
    'heartbeat sync=7 sequence=4 committed=0x300000002',
  ],
  [
    { kind: 'heartbeat-reply', syncId: 7, sequence: 4, touched: [1n as SessionId] },
    'heartbeat-reply sync=7 sequence=4 touched=1',
  ],
  [{ kind: 'forward', syncId: 7, incarnation: 2, requests: [request] }, 'forward sync=7 [#9 opcode 1]'],
  [
    {
      kind: 'answer',
      syncId: 7,
      answers: [
        { sequence: 9, after: at(2), error: 'no-node', body: null },
        { sequence: 10, after: at(2), error: null, body: null },
      ],
    },
    'answer sync=7 [#9 no-node, #10 ok]',
  ],
  [
    { kind: 'revalidate', syncId: 7, sequence: 9, sessionId: 0xabn as SessionId, timeoutMs: 5, incarnation: 2 },
    'revalidate sync=7 #9 0xab',
  ],
  [{ kind: 'revalidated', syncId: 7, sequence: 9, valid: true }, 'revalidated sync=7 #9 valid'],
  [{ kind: 'revalidated', syncId: 7, sequence: 9, valid: false }, 'revalidated sync=7 #9 over'],
]

test('each kind of message between servers is described in one line without its contents', () => {
  for (const [message, text] of examples) expect(describePeerMessage(message)).toBe(text)
})
