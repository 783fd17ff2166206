import { expect, test } from 'vitest'
import { emptyChainHash } from '../../../src/base/chain-hash.ts'
import type { SessionId, Zxid } from '../../../src/base/ids.ts'
import type { Change } from '../../../src/protocol/txn/txn.ts'
import { ReplicatedState } from '../../../src/replica/applying/replicated-state.ts'
import { openAcl } from '../../../src/tree/fresh-tree.ts'

const createOf = (path: string, parentCreateCount: number): Change => ({
  kind: 'create',
  path,
  data: null,
  acl: openAcl,
  ephemeralOwner: 0n as SessionId,
  parentCreateCount,
  withStat: false,
})

// A request of at most jute.maxbuffer can hold more deletes than this.
test('a multi of twenty thousand parts causes the events of all parts, in order', () => {
  const state = new ReplicatedState()
  const paths = Array.from({ length: 20_000 }, (_, i) => `/n${i}`)
  const changes = paths.map((path, i) => createOf(path, 100 + i))
  const txn = { timeMs: 1, sessionId: 1n as SessionId, origin: null, isMulti: true, changes }
  const seen: number[] = []
  const entry = { zxid: 0x100000001 as Zxid, hash: emptyChainHash, payload: new Uint8Array(0) }
  const events = state.apply(entry, txn, (index) => seen.push(index))
  expect(seen).toEqual(paths.map((_, i) => i))
  expect(events.filter(({ kind }) => kind === 'created').map(({ path }) => path)).toEqual(paths)
  expect(events).toHaveLength(2 * paths.length)
})
