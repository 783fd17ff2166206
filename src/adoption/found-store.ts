/**
 * The checkpoint in a folder that may be a copy. It is read wholly, and its digest must be the one in its meta record, so a
 * store whose files were copied at different moments is recognised. `renameStore` changes whose store it is, and nothing else.
 */
import { assert } from '../base/assert.ts'
import { isDamage } from '../base/disk-failure.ts'
import type { ServerId } from '../base/ids.ts'
import { checkStore } from '../checkpoint/check-store.ts'
import { type CheckpointMeta, encodeMeta, readMeta } from '../checkpoint/checkpoint-meta.ts'
import { readCurrent } from '../checkpoint/current-file.ts'
import { metaKey } from '../checkpoint/store-keys.ts'
import type { Disk } from '../ports/disk.ts'
import type { KeyValueStore, KeyValueStores } from '../ports/key-values.ts'
import type { ClusterId } from '../protocol/disk/log-record.ts'

export type FoundStore =
  | { readonly kind: 'none' }
  /** Of any server. */
  | { readonly kind: 'whole'; readonly path: string; readonly meta: CheckpointMeta }
  | { readonly kind: 'damaged'; readonly message: string }
  /** Another process has it open, or a later version wrote it. */
  | { readonly kind: 'unusable'; readonly message: string }

export async function findStore(disk: Disk, stores: KeyValueStores, folder: string): Promise<FoundStore> {
  const current = await readCurrent(disk, folder)
  if (current.kind === 'missing') return { kind: 'none' }
  if (current.kind === 'damaged') return damaged(`${folder}/current does not name a store`)
  const path = `${folder}/${current.name}`
  const opened = await stores.open(path, false)
  if (!opened.ok) {
    const { kind, message } = opened.error
    if (kind === 'damaged') return damaged(`${path}: ${message}`)
    return { kind: 'unusable', message: `${path} is in use: ${message}. Stop the other process.` }
  }
  try {
    return await readStore(opened.value, path)
  } catch (cause) {
    if (!isDamage(cause)) throw cause
    return damaged(`${path}: ${cause.message}`)
  } finally {
    await opened.value.close()
  }
}

async function readStore(store: KeyValueStore, path: string): Promise<FoundStore> {
  const [bytes] = await store.get([metaKey])
  const reading = bytes === null || bytes === undefined ? null : readMeta(bytes)
  if (reading === null || reading.kind === 'damaged') return damaged(`${path} has no readable meta record`)
  if (reading.kind === 'newer') {
    const message = `${path} was written by a version of zkts with ${reading.what}: use that version.`
    return { kind: 'unusable', message }
  }
  const { meta } = reading
  const problem = await checkStore(store, meta)
  return problem === null ? { kind: 'whole', path, meta } : damaged(`${path}: ${problem}`)
}

function damaged(what: string): FoundStore {
  return { kind: 'damaged', message: `the checkpoint is damaged: ${what}` }
}

/** One atomic and durable write. */
export async function renameStore(
  stores: KeyValueStores,
  { path, meta }: Extract<FoundStore, { kind: 'whole' }>,
  owner: { readonly serverId: ServerId; readonly clusterId: ClusterId },
): Promise<void> {
  if (meta.serverId === owner.serverId && meta.clusterId === owner.clusterId) return
  const opened = await stores.open(path, false)
  assert(opened.ok, 'a store that was read opens again', { path })
  try {
    await opened.value.write([{ key: metaKey, value: encodeMeta({ ...meta, ...owner }) }], [])
  } finally {
    await opened.value.close()
  }
}
