/**
 * Reads a backup from a server. The client pulls each part, so a reader that is slow makes the server wait and nothing else.
 * A part that was lost with the connection is asked for again, which works if the session continues on the same server;
 * another one does not have this backup.
 */
import type { ChainHash } from '../base/chain-hash.ts'
import type { ServerId, Zxid } from '../base/ids.ts'
import { type Codec, decode, encode } from '../jute/record.ts'
import { type BackupPiece, decodePiece } from '../protocol/backup/backup-piece.ts'
import {
  BackupFactsRecord,
  backupStatuses,
  CloseBackupRequest,
  factsKindNumber,
  OpenBackupReply,
  OpenBackupRequest,
  ReadBackupReply,
  ReadBackupRequest,
} from '../protocol/client/backup-records.ts'
import type { OpName } from '../protocol/client/operations.ts'
import { SyncRequest } from '../protocol/client/requests.ts'
import type { ClusterId } from '../protocol/disk/log-record.ts'
import { type Backup, BackupError, type BackupFacts, type BackupOptions } from './backup.ts'
import { ClientError } from './types.ts'

/** Sends a request to the server and resolves with the body of the reply. */
export type AskServer = (op: OpName, body: Uint8Array) => Promise<Uint8Array>

export async function openBackup(ask: AskServer, { after }: BackupOptions): Promise<Backup> {
  // A follower may lack writes that other servers have acknowledged.
  await ask('sync', encode(SyncRequest, { path: '/' }))
  const wanted = { afterZxid: after?.zxid ?? (-1 as Zxid), afterHash: after?.hash ?? 0 }
  const opened = await ask('openBackup', encode(OpenBackupRequest, wanted))
  const { backupId } = decoded('openBackup', OpenBackupReply, opened)
  if (backupId === 0) {
    const explanation =
      'The server has as many open backups as it serves at once; try again when one of them has ended.'
    throw new BackupError('too-many', null, explanation)
  }
  const backup = new ServerBackup(ask, backupId)
  try {
    await backup.readFacts()
    return backup
  } catch (error) {
    await backup.close()
    throw error
  }
}

class ServerBackup implements Backup {
  readonly #ask: AskServer
  readonly #backupId: number
  #facts: BackupFacts | null = null
  #isClosed = false

  constructor(ask: AskServer, backupId: number) {
    this.#ask = ask
    this.#backupId = backupId
  }

  get facts(): BackupFacts {
    return this.#facts!
  }

  async readFacts(): Promise<void> {
    const { kindNumber, bytes } = await this.#part(0)
    if (kindNumber !== factsKindNumber || bytes === null) throw undecodable('readBackup')
    const facts = decoded('readBackup', BackupFactsRecord, bytes)
    this.#facts = {
      clusterId: facts.clusterId as ClusterId,
      serverId: facts.serverId as ServerId,
      start: { zxid: facts.startZxid, hash: facts.startHash as ChainHash },
      hasCheckpoint: facts.hasCheckpoint,
      through: facts.through,
      sizeBytesEstimate: facts.sizeBytes,
    }
  }

  async *[Symbol.asyncIterator](): AsyncIterator<BackupPiece> {
    try {
      for (let number = 1; ; number++) {
        const { kindNumber, bytes } = await this.#part(number)
        const piece = bytes === null ? null : decodePiece({ kindNumber, bytes })
        if (piece === null) throw undecodable('readBackup')
        yield piece
        if (piece.kind === 'end') return
      }
    } finally {
      await this.close()
    }
  }

  /** Never rejects: a server that does not get the request closes the backup after a time. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    const body = encode(CloseBackupRequest, { backupId: this.#backupId })
    await this.#ask('closeBackup', body).catch((error: unknown) => {
      if (!(error instanceof ClientError)) throw error
    })
  }

  async #part(number: number): Promise<ReadBackupReply> {
    const body = encode(ReadBackupRequest, { backupId: this.#backupId, number })
    for (;;) {
      const reply = decoded('readBackup', ReadBackupReply, await this.#askAgain(body))
      const status = backupStatuses[reply.status]
      switch (status) {
        case 'part':
          return reply
        case 'not-yet':
          continue
        case 'closed':
          throw new BackupError('closed', null, closedText)
        case 'failed':
        case 'other-history':
        case 'history-ends-earlier':
          throw new BackupError(status, null, reply.reason)
        case 'log-begins-later':
          throw new BackupError(status, reply.oldest, reply.reason)
        default:
          throw undecodable('readBackup')
      }
    }
  }

  async #askAgain(body: Uint8Array): Promise<Uint8Array> {
    for (;;) {
      try {
        return await this.#ask('readBackup', body)
      } catch (error) {
        if (!(error instanceof ClientError && error.errorName === 'connection-loss')) throw error
      }
    }
  }
}

const closedText =
  'The server no longer has this backup: nothing was read for too long, or the connection was lost, and the session ' +
  'continues on another server or another backup has taken its place. Begin a new backup.'

function decoded<T>(op: OpName, codec: Codec<T>, bytes: Uint8Array): T {
  const value = decode(codec, bytes)
  if (!value.ok) throw undecodable(op)
  return value.value
}

function undecodable(op: OpName): ClientError {
  return new ClientError('marshalling-error', op, null, 'The reply cannot be decoded.')
}
