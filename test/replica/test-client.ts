/**
 * A client of a test ensemble: it sends requests to one server, and shows each answer, event and close as a line of text.
 */
import type { ConnectionId, SessionId } from '../../src/base/ids.ts'
import { JuteWriter } from '../../src/jute/jute-writer.ts'
import type { RecordCodec } from '../../src/jute/record.ts'
import { encode } from '../../src/jute/record.ts'
import type { ClientRequest } from '../../src/protocol/client/client-request.ts'
import { writeMultiRequest } from '../../src/protocol/client/multi.ts'
import { type OpName, ops } from '../../src/protocol/client/operations.ts'
import type { Reply, SessionRequest } from '../../src/replica/contract.ts'
import { requestRead } from '../support/conversation.ts'
import { localKey } from './standalone-replica.ts'
import type { Output, TestEnsemble } from './test-ensemble.ts'

/** One connection to one server, with or without a session yet. Xids count up from 1. */
export class TestClient {
  readonly connectionId: ConnectionId
  sessionId = 0n as SessionId
  password: Uint8Array | null = null
  readonly #ensemble: TestEnsemble
  readonly #server: number
  #takenCount = 0
  #lastXid = 0
  #requestCount = 0

  constructor(ensemble: TestEnsemble, server: number, remoteAddress = '127.0.0.1') {
    this.#ensemble = ensemble
    this.#server = server
    this.connectionId = ensemble.newConnection(server, remoteAddress)
  }

  /** A new session, ready to use. */
  static attached(ensemble: TestEnsemble, server: number, timeoutMs = 6_000): TestClient {
    const client = new TestClient(ensemble, server)
    client.connect({ timeoutMs })
    ensemble.run()
    client.adoptSession()
    client.takeOutputs()
    return client
  }

  /** Keeps the id and the password of its new session. */
  adoptSession(): void {
    const response = this.replies()[0]
    if (response?.kind !== 'connect-response' || response.timeoutMs === 0) throw new Error('no session')
    this.sessionId = response.sessionId
    this.password = response.password
  }

  connect(wanted: Partial<Omit<SessionRequest, 'kind'>>): void {
    const request = {
      kind: 'connect',
      lastZxidSeen: 0n,
      timeoutMs: 6_000,
      sessionId: 0n as SessionId,
      password: null,
      canBeReadOnly: false,
    } as const
    this.#feed({ ...request, ...wanted })
  }

  /** A client that resumes the session of another. */
  static returning(ensemble: TestEnsemble, server: number, from: TestClient): TestClient {
    const client = new TestClient(ensemble, server)
    client.connect({ sessionId: from.sessionId, password: from.password })
    client.sessionId = from.sessionId
    client.password = from.password
    return client
  }

  send(op: OpName, body: Uint8Array = new Uint8Array()): void {
    this.sendType(ops[op].opcode, body)
  }

  sendType(type: number, body: Uint8Array = new Uint8Array()): void {
    const xid = type === ops.ping.opcode ? -2 : ++this.#lastXid
    this.#feed(requestRead(++this.#requestCount, xid, type, body))
  }

  disconnect(): void {
    this.#ensemble.feed(this.#server, { kind: 'connection-closed', connectionId: this.connectionId })
  }

  create(path: string, flags = 0): void {
    const acl = [{ perms: 31, scheme: 'world', id: 'anyone' }]
    this.#sendRecord('create', { path, data: Uint8Array.of(1), acl, flags })
  }

  /** A multi of creates, each a path and its flags. */
  multiCreate(...creates: readonly (readonly [string, number])[]): void {
    const writer = new JuteWriter()
    const acl = [{ perms: 31, scheme: 'world', id: 'anyone' }]
    const parts = creates.map(
      ([path, flags]) => ({ kind: 'create', op: 'create', path, data: null, acl, flags, ttlMs: -1n }) as const,
    )
    writeMultiRequest(writer, parts)
    this.send('multi', writer.take())
  }

  delete(path: string): void {
    this.#sendRecord('delete', { path, version: -1 })
  }

  setData(path: string, version = -1): void {
    this.#sendRecord('setData', { path, data: Uint8Array.of(2), version })
  }

  exists(path: string, watch = false): void {
    this.#sendRecord('exists', { path, watch })
  }

  getChildren(path: string, watch = false): void {
    this.#sendRecord('getChildren', { path, watch })
  }

  /** Shows the local key, which gives the right to take backups. */
  becomeOperator(): void {
    this.#sendRecord('auth', { type: 0, scheme: 'local', auth: new TextEncoder().encode(localKey) })
  }

  openBackup(): void {
    this.#sendRecord('openBackup', { afterZxid: -1, afterHash: 0 })
  }

  sync(): void {
    this.#sendRecord('sync', { path: '/' })
  }

  #sendRecord<T>(op: OpName, value: T): void {
    this.send(op, encode(ops[op].request as RecordCodec<T>, value))
  }

  /** The outputs since the last call, a word each: `1 ok`, `2 no-node`, `created /a`, `closed leader-lost`. */
  takeOutputs(): readonly string[] {
    const all = this.#ensemble.outputs.get(this.connectionId)!
    const news = all.slice(this.#takenCount)
    this.#takenCount = all.length
    return news.map(describeOutput)
  }

  replies(): readonly Reply[] {
    return this.#ensemble.outputs
      .get(this.connectionId)!
      .flatMap((output) => (output.kind === 'reply' ? [output.reply] : []))
  }

  #feed(request: SessionRequest | ClientRequest): void {
    this.#ensemble.feed(this.#server, { kind: 'request', connectionId: this.connectionId, request })
  }
}

const eventNames = { 1: 'created', 2: 'deleted', 3: 'changed', 4: 'children-changed' } as const

function describeOutput(output: Output): string {
  if (output.kind === 'event') return `${eventNames[output.event.type]} ${output.event.path}`
  if (output.kind === 'closed') return `closed ${output.reason}`
  const { reply } = output
  if (reply.kind === 'connect-response')
    return reply.timeoutMs === 0
      ? 'session over'
      : `${reply.readOnly ? 'read-only ' : ''}session for ${reply.timeoutMs} ms`
  return `${reply.xid} ${reply.error ?? 'ok'}`
}
