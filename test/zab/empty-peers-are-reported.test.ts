import { expect, test } from 'vitest'
import { emptyPeersReminderMs } from '../../src/base/limits.ts'
import type { LogFields } from '../../src/ports/log.ts'
import type { ClusterId } from '../../src/protocol/disk/log-record.ts'
import { Zab } from '../../src/zab/zab.ts'
import {
  epoch,
  historyOf,
  leader,
  nothingRecovered,
  other,
  settings,
  silentLog,
  zxid,
} from '../support/zab-settings.ts'

/** A server with data that looks for a leader, and the lines that it logs at warn. */
function looking(): { readonly zab: Zab; readonly lines: readonly LogFields[] } {
  const lines: LogFields[] = []
  const note = (event: string, fields: LogFields = {}): void => {
    if (event === 'peers-do-not-vote') lines.push(fields)
  }
  const held = { acceptedEpoch: epoch(1), currentEpoch: epoch(1), clusterId: 77 as ClusterId, tail: historyOf([3]) }
  const zab = new Zab(settings, { ...nothingRecovered, ...held }, { ...silentLog, warn: note })
  zab.handle({ kind: 'start' }, 0)
  return { zab, lines }
}

test('voters that are connected and send no vote are reported once a minute', () => {
  const { zab, lines } = looking()
  for (const peer of [leader, other]) zab.handle({ kind: 'peer-connected', peer }, 0)
  zab.handle({ kind: 'tick' }, settings.peerTimeoutMs - 1)
  expect(lines).toEqual([])
  for (const after of [0, 1, emptyPeersReminderMs - 1]) zab.handle({ kind: 'tick' }, settings.peerTimeoutMs + after)
  expect(lines).toHaveLength(1)
  expect(lines[0]!['peerIds']).toEqual([leader, other].sort())
  expect(lines[0]!['text']).toContain(`connected without a vote: server ${leader}, server ${other}. `)
  expect(lines[0]!['text']).toContain('zkts-cli data initialize')
  zab.handle({ kind: 'tick' }, settings.peerTimeoutMs + emptyPeersReminderMs)
  expect(lines).toHaveLength(2)
})

test('peers that vote or are not connected are not reported', () => {
  const { zab, lines } = looking()
  zab.handle({ kind: 'peer-connected', peer: leader }, 0)
  const vote = { round: 9, leader, epoch: epoch(1), zxid: zxid(1, 9), cannotWin: false } as const
  zab.handle({ kind: 'message', from: leader, message: { kind: 'vote', state: 'looking', ...vote } }, 0)
  zab.handle({ kind: 'tick' }, settings.peerTimeoutMs)
  expect(lines).toEqual([])
})

test('a peer that has just connected is given the time to vote', () => {
  const { zab, lines } = looking()
  const lateMs = 3 * settings.peerTimeoutMs
  zab.handle({ kind: 'peer-connected', peer: leader }, lateMs)
  zab.handle({ kind: 'tick' }, lateMs + settings.peerTimeoutMs - 1)
  expect(lines).toEqual([])
  zab.handle({ kind: 'tick' }, lateMs + settings.peerTimeoutMs)
  expect(lines).toHaveLength(1)
  expect(lines[0]!['text']).toContain(`connected without a vote: server ${leader}. `)
})
