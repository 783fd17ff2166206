/**
 * The requests of backups as steps for the driver, which has the files, and its answers as reply bodies.
 */
import { err, ok, type Result } from '../../base/result.ts'
import { decode, encode, type RecordCodec } from '../../jute/record.ts'
import type { HistoryPoint } from '../../ports/checkpoints.ts'
import { CloseBackupRequest, OpenBackupRequest, ReadBackupRequest } from '../../protocol/client/backup-records.ts'
import type { ClientRequest } from '../../protocol/client/client-request.ts'
import type { BackupAnswer, BackupStep } from '../contract.ts'
import type { ClientSession } from './client.ts'

type Refusal = 'marshalling-error' | 'bad-arguments' | 'unimplemented'

export function backupStepOf(
  { op, body }: ClientRequest,
  sequence: number,
  { id: sessionId }: ClientSession,
): Result<BackupStep, Refusal> {
  const own = { sequence, sessionId }
  switch (op?.name) {
    case 'openBackup': {
      const wanted = decode(OpenBackupRequest, body)
      if (!wanted.ok) return wanted
      const after = pointOf(wanted.value)
      return after.ok ? ok({ ...own, kind: 'open', after: after.value }) : after
    }
    case 'readBackup': {
      const wanted = decode(ReadBackupRequest, body)
      if (!wanted.ok) return wanted
      return wanted.value.number < 0 ? err('bad-arguments') : ok({ ...own, kind: 'read', ...wanted.value })
    }
    case 'closeBackup': {
      const wanted = decode(CloseBackupRequest, body)
      return wanted.ok ? ok({ ...own, kind: 'close', ...wanted.value }) : wanted
    }
    default:
      return err('unimplemented')
  }
}

export function bodyOfAnswer({ op }: ClientRequest, answer: BackupAnswer): Uint8Array | null {
  const codec: RecordCodec<unknown> | null = op?.reply ?? null
  return codec === null || answer === null ? null : encode(codec, answer)
}

/** Null: the backup begins with a checkpoint. */
function pointOf({ afterZxid, afterHash }: OpenBackupRequest): Result<HistoryPoint | null, Refusal> {
  if (afterZxid === -1) return ok(null)
  const isPoint = [afterZxid, afterHash].every((number) => Number.isSafeInteger(number) && number >= 0)
  return isPoint ? ok({ zxid: afterZxid, hash: afterHash as HistoryPoint['hash'] }) : err('bad-arguments')
}
