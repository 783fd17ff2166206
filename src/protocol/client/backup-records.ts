/**
 * The requests and replies of backups, which only zkts has. A client opens a backup on its server, then asks for its parts
 * by number, from 0 on: part 0 has the facts, the others are the pieces (backup-piece.ts). The part that was sent last can
 * be asked for again. A server that needs longer answers `not-yet`, so that the pings of the session do not wait.
 */
import { boolean, buffer, int, text, wholeNumber, zxid } from '../../jute/fields.ts'
import { encode, type Infer, record } from '../../jute/record.ts'

/** The backup continues one that ends at `afterZxid`, where the history has `afterHash`; -1: it begins with a checkpoint. */
export const OpenBackupRequest = record('OpenBackupRequest', { afterZxid: zxid, afterHash: wholeNumber })
export type OpenBackupRequest = Infer<typeof OpenBackupRequest>

/** `backupId` is 0 if the server has as many open backups as it serves at once. */
export const OpenBackupReply = record('OpenBackupReply', { backupId: int })
export type OpenBackupReply = Infer<typeof OpenBackupReply>

export const ReadBackupRequest = record('ReadBackupRequest', { backupId: int, number: int })
export type ReadBackupRequest = Infer<typeof ReadBackupRequest>

/**
 * `status` is the index of a BackupStatus. `kindNumber` and `bytes` are those of the piece; part 0 has the kind 0 and
 * BackupFactsRecord as bytes. `oldest` is where the log begins, with log-begins-later. `reason` is for people.
 */
export const ReadBackupReply = record('ReadBackupReply', {
  status: int,
  kindNumber: int,
  bytes: buffer,
  oldest: zxid,
  reason: text,
})
export type ReadBackupReply = Infer<typeof ReadBackupReply>

export const CloseBackupRequest = record('CloseBackupRequest', { backupId: int })
export type CloseBackupRequest = Infer<typeof CloseBackupRequest>

/** Part 0. The txns follow the point `startZxid`, which has the hash `startHash`. */
export const BackupFactsRecord = record('BackupFacts', {
  clusterId: wholeNumber,
  serverId: int,
  startZxid: zxid,
  startHash: wholeNumber,
  hasCheckpoint: boolean,
  through: zxid,
  sizeBytes: wholeNumber,
})
export type BackupFactsRecord = Infer<typeof BackupFactsRecord>

/** The index of a status never changes. */
export const backupStatuses = [
  'part',
  'not-yet', // ask for the same part again
  'closed', // no backup with this id is open for this session on this server, or it does not have this part any more
  'failed',
  'log-begins-later',
  'other-history',
  'history-ends-earlier',
] as const
export type BackupStatus = (typeof backupStatuses)[number]

export const factsKindNumber = 0

export function encodeFacts(facts: BackupFactsRecord): Uint8Array {
  return encode(BackupFactsRecord, facts)
}
