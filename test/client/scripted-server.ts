/**
 * A server that accepts sessions. The test sees each request and writes its reply. The server has no tree, since these
 * tests are about how the client handles frames.
 */
import type { SessionId } from '../../src/base/ids.ts'
import { FrameSplitter } from '../../src/client/frame-splitter.ts'
import { JuteReader } from '../../src/jute/jute-reader.ts'
import { JuteWriter } from '../../src/jute/jute-writer.ts'
import { decode, encode } from '../../src/jute/record.ts'
import { ConnectRequest, ConnectResponse } from '../../src/protocol/client/connect.ts'
import { type OpName, opOf } from '../../src/protocol/client/operations.ts'
import type { Stat } from '../../src/protocol/client/stat.ts'
import { type WatchEventNumber, writeWatchEventFrame } from '../../src/protocol/client/watch-event.ts'
import type { ServerEnd, VirtualNetwork } from './virtual-network.ts'

export interface SeenRequest {
  readonly xid: number
  readonly op: OpName | null
  readonly body: Uint8Array
}

export class ScriptedServer {
  readonly connects: ConnectRequest[] = []
  readonly requests: SeenRequest[] = []
  /** The timeout in connect responses; 0 refuses the session. */
  timeoutMs = 6_000
  answersConnects = true
  answersPings = true
  /** True: answers as a server without a leader. */
  isReadOnly = false
  /** Bytes in each delivery; 0 = everything at once. */
  chunkSizeBytes = 0
  #end: ServerEnd | null = null
  #zxid = 100

  constructor(network: VirtualNetwork, port: number) {
    network.open(port, (end) => this.#accept(end))
  }

  get isConnected(): boolean {
    return this.#end !== null && !this.#end.isClosed()
  }

  ops(): readonly string[] {
    return this.requests.map(({ op }) => op ?? 'unknown')
  }

  /** Takes the oldest request that was not taken yet. */
  take(): SeenRequest {
    const request = this.requests.shift()
    if (request === undefined) throw new Error('the client has sent no request')
    return request
  }

  reply(xid: number, body: Uint8Array = new Uint8Array(0), errorCode = 0): void {
    const writer = new JuteWriter()
    writer.writeInt(16 + body.length)
    writer.writeInt(xid)
    writer.writeZxid(++this.#zxid)
    writer.writeInt(errorCode)
    writer.writeBytes(body)
    this.#send(writer.take())
  }

  event(type: WatchEventNumber, path: string, zxid: number): void {
    const writer = new JuteWriter()
    writeWatchEventFrame(writer, zxid, type, path)
    this.#send(writer.take())
  }

  sendRaw(bytes: Uint8Array): void {
    this.#send(bytes)
  }

  drop(): void {
    this.#end?.close()
  }

  #accept(end: ServerEnd): void {
    this.#end = end
    const splitter = new FrameSplitter()
    let isOpen = false
    end.handleBytes((bytes) => {
      splitter.split(bytes, (payload) => {
        if (isOpen) this.#onRequest(payload)
        else this.#onConnect(payload)
        isOpen = true
      })
    })
  }

  #onConnect(payload: Uint8Array): void {
    const request = decode(ConnectRequest, payload.slice())
    if (!request.ok) throw new Error('the connect request cannot be decoded')
    this.connects.push(request.value)
    if (!this.answersConnects) return
    const { timeoutMs } = this
    const sessionId = timeoutMs === 0 ? 0n : 0xff00_0000_0000_0001n
    const password = new Uint8Array(16).fill(timeoutMs === 0 ? 0 : 7)
    const response = {
      protocolVersion: 0,
      timeoutMs,
      sessionId: sessionId as SessionId,
      password,
      readOnly: this.isReadOnly,
    }
    const frame = new JuteWriter()
    frame.writeBuffer(encode(ConnectResponse, response))
    this.#send(frame.take())
  }

  #onRequest(payload: Uint8Array): void {
    const reader = new JuteReader(payload)
    const xid = reader.readInt()
    const op = opOf(reader.readInt())
    if (op === 'ping') {
      if (this.answersPings) this.reply(-2)
    } else this.requests.push({ xid, op, body: payload.slice(8) })
  }

  #send(bytes: Uint8Array): void {
    const size = this.chunkSizeBytes === 0 ? bytes.length : this.chunkSizeBytes
    for (let at = 0; at < bytes.length; at += size) this.#end?.send(bytes.slice(at, at + size))
  }
}

export function statOf(version: number): Stat {
  return {
    czxid: 1 as Stat['czxid'],
    mzxid: 2 as Stat['mzxid'],
    ctime: 3,
    mtime: 4,
    version,
    cversion: 0,
    aversion: 0,
    ephemeralOwner: 0n as SessionId,
    dataLength: 1,
    numChildren: 0,
    pzxid: 5 as Stat['pzxid'],
  }
}
