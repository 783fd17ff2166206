/** Failures to open a store as errors, for callers that cannot go on. Each has the code that its kind has elsewhere. */
import { damageCode, foreignCode, lockedCode } from '../base/disk-failure.ts'
import type { CheckpointFailure } from '../ports/checkpoints.ts'
import type { KeyValueStore, KeyValueStores } from '../ports/key-values.ts'

const codes: Readonly<Record<CheckpointFailure['kind'], string>> = {
  damaged: damageCode,
  foreign: foreignCode,
  locked: lockedCode,
}

export function errorOf({ kind, message, store }: CheckpointFailure): Error {
  return Object.assign(new Error(message), { code: codes[kind] }, store === undefined ? {} : { store })
}

/** Rejects with the code of the failure, and with the path in its message. */
export async function openOrReject(stores: KeyValueStores, path: string, mayCreate: boolean): Promise<KeyValueStore> {
  const opened = await stores.open(path, mayCreate)
  if (opened.ok) return opened.value
  throw errorOf({ ...opened.error, message: `${path}: ${opened.error.message}` })
}
