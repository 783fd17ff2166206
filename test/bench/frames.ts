/**
 * The ZooKeeper frames of the load generator. A frame is built once; to send it, it is copied and its xid and some
 * decimal digits of its path are overwritten.
 * Owns: the request layouts of the workloads. Assumes: all digits of one frame kind have the same width.
 * It does not use src/jute on purpose: a generator with the same codec could not show faults of the codec.
 */
export interface FrameTemplate {
  readonly bytes: Buffer
  /** The offset of the digits in the path. Unused if digitsLength is 0. */
  readonly digitsAt: number
  readonly digitsLength: number
}

export const closeSessionType = -11
const createType = 1
const existsType = 3
const getDataType = 4
const setDataType = 5
const pingType = 11
const addWatchType = 106
const xidAt = 4
const pathAt = 4 + 8 + 4 // frame length, request header, length of the path

export function connectFrame(timeoutMs: number): Buffer {
  const bytes = Buffer.alloc(49)
  bytes.writeInt32BE(45, 0)
  bytes.writeInt32BE(timeoutMs, 16) // after protocolVersion and lastZxidSeen
  bytes.writeInt32BE(16, 28) // password, after sessionId; the last byte is readOnly = false
  return bytes
}

export function closeSessionFrame(): FrameTemplate {
  return frame(closeSessionType, [])
}

/** Its xid is always -2. */
export function pingFrame(): FrameTemplate {
  const template = frame(pingType, [])
  template.bytes.writeInt32BE(-2, xidAt)
  return template
}

/** exists that sets a watch. */
export function existsWatchFrame(path: string): FrameTemplate {
  return frame(existsType, [ustring(path), Buffer.from([1])], path)
}

/** `path` may end with `#` signs, which stand for the digits to overwrite. */
export function getDataFrame(path: string): FrameTemplate {
  return frame(getDataType, [ustring(path), Buffer.from([0])], path)
}

/** getData that sets a watch. */
export function watchDataFrame(path: string): FrameTemplate {
  return frame(getDataType, [ustring(path), Buffer.from([1])], path)
}

export function addRecursiveWatchFrame(path: string): FrameTemplate {
  return frame(addWatchType, [ustring(path), int32(1)], path)
}

export function setDataFrame(path: string, data: Buffer): FrameTemplate {
  return frame(setDataType, [ustring(path), buffer(data), int32(-1)], path)
}

/** Creates a persistent znode with the ACL world:anyone:cdrwa. */
export function createFrame(path: string, data: Buffer): FrameTemplate {
  const openAcl = Buffer.concat([int32(1), int32(31), ustring('world'), ustring('anyone')])
  return frame(createType, [ustring(path), buffer(data), openAcl, int32(0)], path)
}

/** Copies the frame to `target` at `at`, with the given xid and digits. Returns the offset of its end. */
export function writeFrame(template: FrameTemplate, xid: number, digits: number, target: Buffer, at: number): number {
  target.set(template.bytes, at)
  target.writeInt32BE(xid, at + xidAt)
  let rest = digits
  for (let i = template.digitsLength - 1; i >= 0; i--) {
    target[at + template.digitsAt + i] = 48 + (rest % 10)
    rest = Math.floor(rest / 10)
  }
  return at + template.bytes.length
}

function frame(type: number, fields: readonly Buffer[], path = ''): FrameTemplate {
  const payload = Buffer.concat([int32(0), int32(type), ...fields])
  const plain = path.replace(/#+$/, '')
  return {
    bytes: Buffer.concat([int32(payload.length), payload]),
    digitsAt: pathAt + plain.length,
    digitsLength: path.length - plain.length,
  }
}

function ustring(text: string): Buffer {
  return buffer(Buffer.from(text))
}

function buffer(bytes: Buffer): Buffer {
  return Buffer.concat([int32(bytes.length), bytes])
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
