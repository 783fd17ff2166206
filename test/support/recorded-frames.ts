/**
 * The frames between the stock Java client and Apache ZooKeeper, as test/compat/record-fixtures.ts recorded them.
 * Each frame carries the name of the client's operation, so that a failing test names it.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { bytesOf } from './hex.ts'

export interface RecordedFrame {
  readonly connection: number
  readonly from: 'client' | 'server'
  readonly name: string
  readonly payload: Uint8Array // without its length
  readonly isFirst: boolean // the connect request or its response
}

export interface RecordedConnection {
  readonly connection: number
  readonly client: readonly RecordedFrame[]
  readonly server: readonly RecordedFrame[]
}

const fixture = join(import.meta.dirname, '..', 'protocol', 'fixtures', 'java-client-3.9.5.json')

export const recordedFrames: readonly RecordedFrame[] = readFrames()

export const recordedConnections: readonly RecordedConnection[] = [
  ...new Set(recordedFrames.map((frame) => frame.connection)),
].map((connection) => ({
  connection,
  client: recordedFrames.filter((frame) => frame.connection === connection && frame.from === 'client'),
  server: recordedFrames.filter((frame) => frame.connection === connection && frame.from === 'server'),
}))

/** The frames as they were on the wire, each after its length. */
export function streamOf(frames: readonly RecordedFrame[]): Uint8Array {
  const bytes = new Uint8Array(frames.reduce((sum, { payload }) => sum + 4 + payload.length, 0))
  let at = 0
  for (const { payload } of frames) {
    new DataView(bytes.buffer).setInt32(at, payload.length)
    bytes.set(payload, at + 4)
    at += 4 + payload.length
  }
  return bytes
}

function readFrames(): readonly RecordedFrame[] {
  const seen = new Set<string>()
  const raw = JSON.parse(readFileSync(fixture, 'utf8')) as (Omit<RecordedFrame, 'payload'> & { readonly hex: string })[]
  return raw.map(({ connection, from, name, hex }) => {
    const direction = `${connection} ${from}`
    const isFirst = !seen.has(direction)
    seen.add(direction)
    return { connection, from, name, payload: bytesOf(hex), isFirst }
  })
}
