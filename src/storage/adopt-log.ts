/**
 * Makes the log of another server, or an older copy of a log, that of this server. Owns: that this is one step on the disk. A
 * new segment with the mark of an adoption has the id of this server and the state that holds from then on; no byte before
 * it changes. Until its header is durable the log is the one that was found. Assumes that the log was read and accepted by
 * `recoverLog`, and that its folder is locked.
 *
 * A server that has adopted a log may lack what it has acknowledged or promised under its id. `mustSync` says so, in the log
 * itself, until a record says that the server is in step with a leader (`followRecord`): until then it counts in no quorum.
 * Without that, two servers, one of which has forgotten a write, could elect each other and lose it.
 */
import { assert } from '../base/assert.ts'
import type { Epoch, ServerId, Zxid } from '../base/ids.ts'
import { ok, type Result } from '../base/result.ts'
import type { Disk } from '../ports/disk.ts'
import type { Log } from '../ports/log.ts'
import type { ClusterId, TxnEntry } from '../protocol/disk/log-record.ts'
import type { LogBase, LogState } from './log-state.ts'
import type { OpenFailure } from './open-failure.ts'
import { type LogCheck, type RecoveredSegments, recoverLog } from './recover-log.ts'
import { createSegment } from './segment-file.ts'
import { listSegments, readSegmentHeader, segmentHeaderSizeBytes } from './segment-header.ts'

export interface LogAdoption {
  readonly serverId: ServerId
  /** False: the caller vouches that the log lacks nothing of what the server has acknowledged. */
  readonly mustSync: boolean
  readonly clusterId: ClusterId
  /** The next epoch is above this one, and above all that the log has accepted. */
  readonly epochMin: Epoch
}

export interface FoundWriter {
  /** Of the newest segment; null: no segment has a header. */
  readonly serverId: ServerId | null
  readonly segmentCount: number
  /** No server has used the log since it was adopted, or since a copy of the state replaced it. */
  readonly isUnused: boolean
}

/** Reads the header of the newest segment. Rejects with ENOENT if the folder does not exist. */
export async function findLogWriter(disk: Disk, folder: string): Promise<FoundWriter> {
  const names = await listSegments(disk, folder)
  for (const { path } of names.toReversed()) {
    const file = await disk.open(path, 'read')
    try {
      const reading = readSegmentHeader(await file.read(0, segmentHeaderSizeBytes))
      if (reading.kind !== 'valid') continue
      const { serverId, adopts, restarts } = reading.header
      return { serverId, segmentCount: names.length, isUnused: adopts || restarts }
    } finally {
      await file.close()
    }
  }
  return { serverId: null, segmentCount: names.length, isUnused: false }
}

export interface LogToAdopt {
  readonly disk: Disk
  readonly log: Log
  readonly folder: string
  readonly segmentSizeBytes: number
  readonly base: LogBase | null
  /** The server that wrote the newest segment. */
  readonly writer: ServerId
  readonly check: LogCheck
  readonly onCommitted: (entry: TxnEntry) => void
}

export interface AdoptedLog {
  readonly before: LogState
  readonly after: LogState
  /** What is known to be committed, by the log or by the base. */
  readonly committed: Zxid
  /** The last txns, which are not known to be committed. */
  readonly tail: readonly TxnEntry[]
  /** What is damaged in the segments that the base covers, null if nothing is. */
  readonly damagedFront: string | null
  /** The sequence of the newest segment. */
  readonly newestSegment: number
}

/** Reads and checks the whole log, then adopts it. `adoptionOf` null: the log stays as it is, apart from a torn tail. */
export async function adoptLog(
  found: LogToAdopt,
  adoptionOf: (state: LogState) => LogAdoption | null,
): Promise<Result<AdoptedLog, OpenFailure>> {
  const { disk, log, folder, base, check, onCommitted, segmentSizeBytes } = found
  let before: LogState | null = null
  const restartsAs = (state: LogState): { readonly serverId: ServerId; readonly state: LogState } => {
    before = state
    const adoption = adoptionOf(state)
    if (adoption === null) return { serverId: found.writer, state }
    return { serverId: adoption.serverId, state: adoptedState(state, adoption) }
  }
  const how = { disk, log, folder, serverId: found.writer, base, check, restartsAs, onCommitted, segmentSizeBytes }
  const recovered = await recoverLog(how)
  if (!recovered.ok) return recovered
  const { active, front, state, tail, lastCommitted, segments } = recovered.value
  const committed = lastCommitted.zxid
  const newestSegment = segments.nextSequence - 1
  await active?.close()
  // The base has replaced the log, which is that of this server from its first segment on.
  if (before !== null) return ok({ before, after: state, committed, tail, damagedFront: null, newestSegment })
  const damagedFront = (await front?.check()) ?? null
  const adoption = adoptionOf(state)
  if (adoption === null) return ok({ before: state, after: state, committed, tail, damagedFront, newestSegment })
  const after = adoptedState(state, adoption)
  const added = await addSegment(found, recovered.value, after, adoption.serverId)
  return ok({ before: state, after, committed, tail, damagedFront, newestSegment: added })
}

function adoptedState(before: LogState, { mustSync, clusterId, epochMin }: LogAdoption): LogState {
  const isRaised = epochMin > before.acceptedEpoch
  return {
    ...before,
    clusterId,
    mustSync,
    acceptedEpoch: isRaised ? epochMin : before.acceptedEpoch,
    acceptedLeader: isRaised ? null : before.acceptedLeader,
  }
}

/** Returns its sequence. */
async function addSegment(
  { disk, folder, segmentSizeBytes }: LogToAdopt,
  { segments, nextBatch, checksum, active }: RecoveredSegments,
  state: LogState,
  serverId: ServerId,
): Promise<number> {
  assert(active !== null, 'a log that is adopted has a segment', { folder })
  const sequence = segments.nextSequence
  const start = { serverId, sequence, checksumBefore: checksum, firstBatch: nextBatch, state, restarts: false }
  const created = await createSegment(disk, folder, { ...start, adopts: true }, segmentSizeBytes)
  await created.close()
  return sequence
}
