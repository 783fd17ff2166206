/**
 * The path that a request names, read from the beginning of its body, for log lines about requests that are not
 * executed and mostly not kept. Only a legal path is ever returned, so no data can get into a log.
 */
import { JuteReader } from '../../jute/jute-reader.ts'
import { multiHeaderSizeBytes } from './headers.ts'
import type { OpName } from './operations.ts'
import { parseZnodePath } from './path.ts'

/** The offset of the first path in the body. Other requests begin with another field or have no path. */
const pathOffsets: Partial<Readonly<Record<OpName, number>>> = {
  create: 0,
  delete: 0,
  exists: 0,
  getData: 0,
  setData: 0,
  getACL: 0,
  setACL: 0,
  getChildren: 0,
  getChildren2: 0,
  sync: 0,
  create2: 0,
  createContainer: 0,
  createTTL: 0,
  getEphemerals: 0,
  getAllChildrenNumber: 0,
  addWatch: 0,
  multi: multiHeaderSizeBytes,
  multiRead: multiHeaderSizeBytes,
}

/** `bytes` may be the beginning of the body only. Null if there is no path, or it is not whole. */
export function firstPathOf(op: OpName, bytes: Uint8Array): string | null {
  const offset = pathOffsets[op]
  if (offset === undefined || offset > bytes.length) return null
  const reader = new JuteReader(bytes, offset)
  const text = reader.readUstring()
  if (reader.failed || text === null) return null
  const path = parseZnodePath(text)
  return path.ok ? path.value : null
}
