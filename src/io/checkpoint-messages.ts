/**
 * What the server and the thread of its checkpoints send to each other. All of it can be cloned between threads. Chunks
 * are transferred: the sender cannot use their bytes afterwards.
 */
import type { Zxid } from '../base/ids.ts'
import type { Result } from '../base/result.ts'
import type {
  CheckpointFacts,
  CheckpointFailure,
  CheckpointsOptions,
  HistoryFailure,
  HistoryPart,
  HistoryPoint,
  VerifiedCheckpoint,
} from '../ports/checkpoints.ts'
import type { Log, LogFields } from '../ports/log.ts'

/** The first message to the thread. */
export interface ThreadSettings {
  readonly options: CheckpointsOptions
  readonly requiresDirectorySync: boolean
}

/** One call of `Checkpoints`, or of a copy, history or receiver that an earlier call made. */
export type Call =
  | { readonly kind: 'open' }
  | { readonly kind: 'clean' }
  | { readonly kind: 'discard'; readonly store: string | undefined }
  | { readonly kind: 'advance'; readonly through: Zxid }
  | { readonly kind: 'verify' }
  | { readonly kind: 'copy'; readonly hasChecksums: boolean }
  | {
      readonly kind: 'copy-chunk'
      readonly copy: number
      readonly number: number
      readonly room: Uint8Array | undefined
    }
  | { readonly kind: 'copy-close'; readonly copy: number }
  | { readonly kind: 'history'; readonly after: HistoryPoint; readonly through: Zxid }
  | { readonly kind: 'history-next'; readonly history: number }
  | { readonly kind: 'history-close'; readonly history: number }
  | { readonly kind: 'receive' }
  | { readonly kind: 'receiver-add'; readonly receiver: number; readonly number: number; readonly chunk: Uint8Array }
  | { readonly kind: 'receiver-finish'; readonly receiver: number; readonly verified: CheckpointFacts }
  | { readonly kind: 'receiver-abort'; readonly receiver: number }
  | { readonly kind: 'size' }
  | { readonly kind: 'close' }

export type CallKind = Call['kind']

/** The value of the answer to each call. */
export interface Answers {
  readonly open: Result<CheckpointFacts | null, CheckpointFailure>
  readonly clean: undefined
  readonly discard: undefined
  readonly advance: CheckpointFacts
  readonly verify: Result<VerifiedCheckpoint | null, CheckpointFailure>
  readonly copy: { readonly copy: number; readonly facts: CheckpointFacts; readonly chunkCount: number | null }
  readonly 'copy-chunk': Uint8Array | null
  readonly 'copy-close': undefined
  readonly history: Result<number, HistoryFailure>
  readonly 'history-next': HistoryPart | null
  readonly 'history-close': undefined
  readonly receive: number
  readonly 'receiver-add': boolean
  readonly 'receiver-finish': CheckpointFacts
  readonly 'receiver-abort': undefined
  readonly size: number
  readonly close: undefined
}

export interface CallMessage {
  readonly id: number
  readonly call: Call
}

export type LogLevelName = Exclude<keyof Log, 'child'>

export type ThreadMessage =
  | { readonly kind: 'answer'; readonly id: number; readonly value: Answers[CallKind] }
  | { readonly kind: 'failure'; readonly id: number; readonly error: PlainError }
  | { readonly kind: 'log'; readonly level: LogLevelName; readonly event: string; readonly fields: LogFields }

/** An error between threads: cloning an Error drops its code. */
export interface PlainError {
  readonly isPlainError: true
  readonly name: string
  readonly message: string
  readonly stack: string | undefined
  readonly fields: Readonly<Record<string, string | number>> // `code`, `kind`, `path` and `store`, if it has them
}

export function plainError(error: unknown): PlainError {
  if (!(error instanceof Error)) return plainError(new Error(String(error)))
  const { name, message, stack } = error
  const fields: Record<string, string | number> = {}
  for (const key of ['code', 'kind', 'path', 'store'] as const) {
    const value: unknown = (error as unknown as Record<string, unknown>)[key]
    if (typeof value === 'string' || typeof value === 'number') fields[key] = value
  }
  return { isPlainError: true, name, message, stack, fields }
}

/** The error with the stack of the thread in which it was thrown. */
export function errorOf({ name, message, stack, fields }: PlainError): Error {
  return Object.assign(new Error(message), fields, { name, stack })
}
