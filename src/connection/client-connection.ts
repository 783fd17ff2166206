/**
 * One client connection, from its first byte to its last, as a state machine. The driver owns the socket: it feeds
 * chunks to `receive`, acts on the inputs that come out, and once a loop turn sends what `takeOutput` gives.
 * Owns: framing, the handshake, and that no bytes after the connect request are parsed before the session exists
 * (such a request would have no session, and dropping it would hang the client).
 * Assumes: the driver stops reading from the socket after `connect` until it calls `established`, and closes the socket
 * after `four-letter-word` and `refused`.
 */
import type { AdminWord } from '../base/admin-words.ts'
import { allocateBytes } from '../base/allocate-bytes.ts'
import { assert, assertNever } from '../base/assert.ts'
import { copyRange } from '../base/copy-bytes.ts'
import { codeOf, type ErrorName } from '../base/errors.ts'
import type { SessionId, Xid } from '../base/ids.ts'
import { intAt } from '../base/int-at.ts'
import { clientFrameSizeBytesMax, heldBeforeSessionSizeBytesMax, skippedFrameSizeBytesMax } from '../base/limits.ts'
import { JuteReader } from '../jute/jute-reader.ts'
import { JuteWriter } from '../jute/jute-writer.ts'
import { decode } from '../jute/record.ts'
import type { ClientRequest } from '../protocol/client/client-request.ts'
import { ConnectRequest, ConnectResponse } from '../protocol/client/connect.ts'
import { replyHeaderSizeBytes, requestHeaderSizeBytes } from '../protocol/client/headers.ts'
import { type OpName, type OpTraits, operationOf, ops } from '../protocol/client/operations.ts'
import { type WatchEventNumber, writeWatchEventFrame } from '../protocol/client/watch-event.ts'
import type { CloseReason } from './close-reason.ts'
import type { ConnectionInput } from './connection-input.ts'
import { classifyFirstBytes } from './first-bytes.ts'
import { FrameReader } from './frame-reader.ts'
import { SkippedFrame, type SkipReason } from './skipped-frame.ts'

/** Decides which requests above a size are accepted. */
export interface LargeRequestGate {
  readonly thresholdSizeBytes: number
  /** Called once for each frame above the threshold, when its length has arrived; true: its bytes count from now on. */
  admits(sizeBytes: number): boolean
}

export type ConnectionState =
  | { readonly kind: 'awaiting-connect' }
  | { readonly kind: 'connecting' } // the session is being created or looked up
  | { readonly kind: 'attached' }
  | { readonly kind: 'closing' } // bytes that still arrive are ignored

const awaitingConnect: ConnectionState = { kind: 'awaiting-connect' }
const connecting: ConnectionState = { kind: 'connecting' }
const attached: ConnectionState = { kind: 'attached' }
const closing: ConnectionState = { kind: 'closing' }

const noSkips: ReadonlySet<SkipReason> = new Set()
const closeReasonOfSkip = {
  'request-too-large': 'request-above-limit',
  'too-many-large-requests': 'large-request-above-limit',
} as const satisfies Record<SkipReason, CloseReason>

const emptyBody = new Uint8Array(0)
const traceMaskSizeBytes = 8
/** A larger output buffer is given to the socket and not copied, so that an idle connection does not keep it. */
const keptOutputSizeBytesMax = 16 * 1024

/**
 * A client that gets an error for one of these continues as if it had succeeded. Without its watches or credentials it
 * would wait for an event that never comes. So the connection ends instead, as it does in ZooKeeper for every request.
 */
export const neverRefusedAlone: ReadonlySet<OpName> = new Set(['setWatches', 'setWatches2', 'auth', 'sasl'])

export class ClientConnection {
  readonly #frameSizeBytesMax: number
  readonly #gate: LargeRequestGate | null
  /** A request above one of these limits ends the connection; above the others it is skipped and refused. */
  readonly #closingSkips: ReadonlySet<SkipReason>
  /** The gate has admitted the frame that is arriving. */
  #isAdmitted = false
  #skipped: SkippedFrame | null = null
  readonly #readsTraceMask: boolean
  readonly #frames = new FrameReader()
  readonly #output = new JuteWriter()
  #state: ConnectionState = awaitingConnect
  #requestCount = 0
  /** The time at which the bytes being parsed were read. */
  #nowMs = 0
  /** Bytes that arrived after the connect request, in order; kept until the session exists. */
  #held: Uint8Array[] = []
  #heldSizeBytes = 0
  #speaksReadOnly = false

  // Counters for `cons` and `stat`.
  #packetsReceived = 0
  #packetsSent = 0
  #lastOp = 'NA'
  #lastXid: Xid | null = null
  #lastZxid: number | null = null

  /** `readsTraceMask` is false where `stmk` is not enabled: the word is refused without waiting for its mask. */
  constructor(
    frameSizeBytesMax: number = clientFrameSizeBytesMax,
    gate: LargeRequestGate | null = null,
    readsTraceMask = true,
    closingSkips: ReadonlySet<SkipReason> = noSkips,
  ) {
    this.#frameSizeBytesMax = frameSizeBytesMax
    this.#gate = gate
    this.#readsTraceMask = readsTraceMask
    this.#closingSkips = closingSkips
  }

  get state(): ConnectionState {
    return this.#state
  }

  /** The first bytes of a possible connect request have arrived, the rest has not. */
  get isCutShort(): boolean {
    return this.#state.kind === 'awaiting-connect' && this.#frames.hasPartial
  }

  get packetsReceived(): number {
    return this.#packetsReceived
  }

  get packetsSent(): number {
    return this.#packetsSent
  }

  /** The code of the last request read, as in the operation table. */
  get lastOp(): string {
    return this.#lastOp
  }

  /** Of the last request read whose xid the client counts up; pings and auth have fixed ones (ZK: `lcxid`). */
  get lastXid(): Xid | null {
    return this.#lastXid
  }

  /** Of the last reply that carried a zxid. */
  get lastZxid(): number | null {
    return this.#lastZxid
  }

  /** Sets all counters back to their initial values (ZK: ServerCnxn.resetStats). */
  resetCounters(): void {
    this.#packetsReceived = 0
    this.#packetsSent = 0
    this.#lastOp = 'NA'
    this.#lastXid = null
    this.#lastZxid = null
  }

  /** Bytes written that `takeOutput` has not returned yet. */
  get outputSizeBytes(): number {
    return this.#output.lengthBytes
  }

  /** Appends to `out` what `bytes` mean; `bytes` may be reused afterwards. */
  receive(bytes: Uint8Array, nowMs: number, out: ConnectionInput[]): void {
    if (this.#state.kind === 'closing') return
    this.#nowMs = nowMs
    if (this.#state.kind === 'connecting') {
      const copy = new Uint8Array(bytes.length)
      copy.set(bytes)
      this.#hold(copy, out)
      return
    }
    this.#frames.feed(bytes)
    this.#parse(out)
    if (this.state.kind !== 'closing') this.#frames.release()
  }

  /** The connect response of a valid session was written: the bytes held since the connect request are now parsed. */
  established(nowMs: number, out: ConnectionInput[]): void {
    assert(this.#state.kind === 'connecting', 'a session is established once, after its request', {
      state: this.#state,
    })
    this.#state = attached
    const held = this.#held
    this.#held = []
    this.#heldSizeBytes = 0
    for (const bytes of held) this.receive(bytes, nowMs, out)
  }

  /** The driver closes the connection: later bytes are ignored. */
  close(): void {
    this.#state = closing
    this.#held = []
    this.#heldSizeBytes = 0
  }

  /** `timeoutMs` and `sessionId` 0 and sixteen zero bytes say that the session is not valid. */
  writeConnectResponse(timeoutMs: number, sessionId: SessionId, password: Uint8Array, readOnly: boolean): void {
    assert(this.#state.kind === 'connecting', 'a connect response answers a connect request', { state: this.#state })
    const start = this.#beginFrame()
    const answer = {
      protocolVersion: 0,
      timeoutMs,
      sessionId,
      password,
      readOnly: this.#speaksReadOnly ? readOnly : null,
    }
    ConnectResponse.write(this.#output, answer)
    this.#endFrame(start)
    this.#lastOp = ops.createSession.code
  }

  /** `zxid` is 0 for auth and -1 for an unknown operation. A reply with an error has no body, except to a multiRead. */
  writeReply(xid: Xid, zxid: number, error: ErrorName | null, body: Uint8Array | null): void {
    const output = this.#output
    output.writeInt(replyHeaderSizeBytes + (body === null ? 0 : body.length))
    output.writeInt(xid)
    output.writeZxid(zxid)
    output.writeInt(error === null ? 0 : codeOf(error))
    if (body !== null) output.writeBytes(body)
    this.#packetsSent++
    if (zxid > 0) this.#lastZxid = zxid
  }

  /** `zxid` is that of the txn, -1 for the catch-up events of setWatches. */
  writeEvent(zxid: number, type: WatchEventNumber, path: string): void {
    writeWatchEventFrame(this.#output, zxid, type, path)
    this.#packetsSent++
  }

  /** The bytes to send, which now belong to the caller; null if there are none. */
  takeOutput(): Uint8Array | null {
    const output = this.#output
    if (output.lengthBytes === 0) return null
    if (output.capacityBytes > keptOutputSizeBytesMax) return output.detach()
    const bytes = output.take()
    output.reset()
    return bytes
  }

  #parse(out: ConnectionInput[]): void {
    for (;;) {
      if (this.#skipped !== null && !this.#skipOn(this.#skipped, out)) return
      const length = this.#frames.peekLength()
      if (length === null) return
      if (this.#state.kind === 'awaiting-connect') {
        if (!this.#parseFirst(length, out)) return
      } else if (!this.#parseRequest(length, out)) {
        return
      }
    }
  }

  /** True while more input may be ready to parse; `#parseConnect` and `#parseRequest` return the same. */
  #parseFirst(first: number, out: ConnectionInput[]): boolean {
    const meaning = classifyFirstBytes(first, this.#frameSizeBytesMax)
    switch (meaning.kind) {
      case 'refused':
        return this.#refuse(meaning.reason, out)
      case 'four-letter-word':
        return this.#parseWord(meaning.word, out)
      case 'frame':
        return this.#frames.next(meaning.sizeBytes) && this.#parseConnect(out)
      default:
        return assertNever(meaning)
    }
  }

  /** The word is in the place of a frame length, so the mask of `stmk` is read like a frame of eight bytes. */
  #parseWord(word: AdminWord, out: ConnectionInput[]): boolean {
    let traceMask: bigint | null = null
    if (word === 'stmk' && this.#readsTraceMask) {
      if (!this.#frames.next(traceMaskSizeBytes)) return false
      const { frame, frameStart, frameEnd } = this.#frames
      traceMask = new JuteReader(frame, frameStart, frameEnd).readLong()
    }
    this.#packetsReceived++
    this.close()
    out.push({ kind: 'four-letter-word', word, traceMask })
    return false
  }

  #parseConnect(out: ConnectionInput[]): boolean {
    this.#packetsReceived++
    // Copied: the password outlives the chunk while the leader is asked about the session.
    const request = decode(ConnectRequest, this.#copyOfFrame(0))
    if (!request.ok) return this.#refuse('connect-request-malformed', out)
    this.#speaksReadOnly = request.value.readOnly !== null
    this.#state = connecting
    out.push({ kind: 'connect', request: request.value })
    const rest = this.#frames.rest()
    if (rest.length > 0) this.#hold(rest, out)
    return false
  }

  #parseRequest(length: number, out: ConnectionInput[]): boolean {
    if (length < requestHeaderSizeBytes) return this.#refuse(length < 0 ? 'frame-negative' : 'frame-too-short', out)
    const skipReason = this.#skipReasonOf(length)
    if (skipReason !== null) {
      if (this.#closingSkips.has(skipReason)) return this.#refuse(closeReasonOfSkip[skipReason], out)
      if (length > skippedFrameSizeBytesMax) return this.#refuse('frame-too-large', out)
      this.#frames.skipLength()
      this.#skipped = new SkippedFrame(skipReason, length)
      return true
    }
    if (!this.#frames.next(length)) return false
    this.#isAdmitted = false
    const { frame, frameStart } = this.#frames
    const xid = intAt(frame, frameStart) as Xid
    const opcode = intAt(frame, frameStart + 4)
    out.push(this.#request(xid, opcode, operationOf(opcode), this.#copyOfFrame(requestHeaderSizeBytes), length))
    return true
  }

  #skipReasonOf(length: number): SkipReason | null {
    if (length > this.#frameSizeBytesMax) return 'request-too-large'
    if (this.#gate === null || this.#isAdmitted || length <= this.#gate.thresholdSizeBytes) return null
    this.#isAdmitted = this.#gate.admits(length)
    return this.#isAdmitted ? null : 'too-many-large-requests'
  }

  #skipOn(skipped: SkippedFrame, out: ConnectionInput[]): boolean {
    skipped.skip(this.#frames)
    if (!skipped.hasHeader) return false
    const { xid, opcode, reason, sizeBytes: frameSizeBytes } = skipped
    const op = operationOf(opcode)
    // The opcode is unknown, so the four bytes before it probably were no frame length.
    if (op === null) return this.#refuse('frame-too-large', out)
    if (neverRefusedAlone.has(op.name)) return this.#refuse('large-restore', out)
    if (!skipped.isComplete) return false
    this.#skipped = null
    const request = this.#request(xid, opcode, op, emptyBody, 0)
    out.push({ kind: 'skipped-request', request, reason, path: skipped.pathOf(op.name), frameSizeBytes })
    return true
  }

  #request(xid: Xid, opcode: number, op: OpTraits | null, body: Uint8Array, sizeBytes: number): ClientRequest {
    this.#packetsReceived++
    this.#lastOp = op === null ? 'NA' : op.code
    if (xid >= 0) this.#lastXid = xid
    const number = ++this.#requestCount
    return { kind: 'request', number, xid, opcode, op, body, sizeBytes, readAtMs: this.#nowMs, refusal: null }
  }

  /** A copy: the driver reuses the chunk, and a body may be kept until its txn is committed, or longer. */
  #copyOfFrame(skippedBytes: number): Uint8Array {
    const { frame, frameEnd } = this.#frames
    const start = this.#frames.frameStart + skippedBytes
    const copy = allocateBytes(frameEnd - start)
    copyRange(frame, start, frameEnd, copy, 0)
    return copy
  }

  #hold(bytes: Uint8Array, out: ConnectionInput[]): void {
    if (this.#heldSizeBytes + bytes.length > heldBeforeSessionSizeBytesMax) {
      this.#refuse('too-much-before-session', out)
      return
    }
    this.#held.push(bytes)
    this.#heldSizeBytes += bytes.length
  }

  #refuse(reason: CloseReason, out: ConnectionInput[]): false {
    this.close()
    out.push({ kind: 'refused', reason })
    return false
  }

  #beginFrame(): number {
    this.#output.writeInt(0) // the length, patched by #endFrame
    return this.#output.lengthBytes
  }

  #endFrame(start: number): void {
    this.#output.patchInt(start - 4, this.#output.lengthBytes - start)
    this.#packetsSent++
  }
}
