/**
 * The one frame that a server sends without a request: a watched znode has changed.
 * A server sends only the four types below. Clients make removal events and session states themselves.
 */
import { int, text } from '../../jute/fields.ts'
import type { JuteWriter } from '../../jute/jute-writer.ts'
import { type Infer, record } from '../../jute/record.ts'
import { notificationXid } from './headers.ts'

/** Numbers on the wire (ZK: Watcher.Event.EventType). */
export const watchEventTypes = {
  created: 1,
  deleted: 2,
  'data-changed': 3,
  'children-changed': 4,
} as const
export type WatchEventType = keyof typeof watchEventTypes
export type WatchEventNumber = (typeof watchEventTypes)[WatchEventType]

const typeNames: readonly WatchEventType[] = ['created', 'deleted', 'data-changed', 'children-changed']

/** ZK: Watcher.Event.KeeperState.SyncConnected, the only state a server sends. */
const syncConnectedState = 3

export const WatcherEvent = record('WatcherEvent', { type: int, state: int, path: text })
export type WatcherEvent = Infer<typeof WatcherEvent>

/** Null for the numbers that only clients use. */
export function watchEventTypeOf(wireType: number): WatchEventType | null {
  return typeNames[wireType - 1] ?? null
}

/** Appends a whole frame, length included. `zxid` is that of the txn, or -1 for the catch-up events of setWatches. */
export function writeWatchEventFrame(writer: JuteWriter, zxid: number, type: WatchEventNumber, path: string): void {
  const start = writer.lengthBytes
  writer.writeInt(0) // the length, patched below
  writer.writeInt(notificationXid)
  writer.writeZxid(zxid)
  writer.writeInt(0)
  writer.writeInt(type)
  writer.writeInt(syncConnectedState)
  writer.writeUstring(path)
  writer.patchInt(start, writer.lengthBytes - start - 4)
}

export function describeWatchEvent(zxid: number, type: WatchEventNumber, path: string): string {
  return `event ${typeNames[type - 1]} ${path} zxid=${zxid < 0 ? String(zxid) : `0x${zxid.toString(16)}`}`
}
