/**
 * Every client socket by its stage, from its acceptance until its stream has ended. Only this class changes a stage.
 * A client that got its last bytes and keeps its side open is cut off after a time: otherwise clients that never close
 * their sockets could use up the sockets of this server.
 */
import { assert } from '../../base/assert.ts'
import type { ConnectionId } from '../../base/ids.ts'
import type { AttachedSession, ClientSocket, ClientStage } from './client-socket.ts'

/** A client that was sent its last bytes is cut off after this time, plus the time to read the bytes still queued. */
const cutOffAfterMs = 2_000
/**
 * The slowest reading that is waited for: an operator on a slow line who reads the tens of thousands of lines of
 * `wchc`.
 */
const readSizeBytesPerMsMin = 64

export class ClientRoster {
  /** Silent, asking, connecting or attached. */
  readonly #open = new Map<ConnectionId, ClientSocket>()
  readonly #silent = new Set<ClientSocket>() // oldest first
  readonly #leaving = new Set<ClientSocket>()

  get openCount(): number {
    return this.#open.size
  }

  /** Including clients that are leaving. */
  get count(): number {
    return this.#open.size + this.#leaving.size
  }

  get(id: ConnectionId): ClientSocket | undefined {
    return this.#open.get(id)
  }

  open(): Iterable<ClientSocket> {
    return this.#open.values()
  }

  // --- the stages ---

  enter(client: ClientSocket): void {
    this.#open.set(client.id, client)
    this.#silent.add(client)
  }

  /** The connect request of `client` goes to the replica. */
  connecting(client: ClientSocket): void {
    this.#move(client, 'silent', { kind: 'connecting' })
  }

  /** The client has sent a four-letter word. */
  asking(client: ClientSocket): void {
    this.#move(client, 'silent', { kind: 'asking' })
  }

  attached(client: ClientSocket, session: AttachedSession): void {
    this.#move(client, 'connecting', { kind: 'attached', session })
  }

  /** The client gets the bytes that are already written, then its stream ends. Returns the stage before. */
  leave(client: ClientSocket, nowMs: number): ClientStage['kind'] {
    const before = client.stage.kind
    assert(!client.isEnding, 'a client leaves once', { connectionId: client.id, stage: before })
    this.#move(client, before, { kind: 'leaving', cutOffAtMs: nowMs + cutOffAfterMs })
    this.#open.delete(client.id)
    this.#leaving.add(client)
    return before
  }

  /** The stream of `client` has ended. Returns the stage before. */
  gone(client: ClientSocket): ClientStage['kind'] {
    const before = client.stage.kind
    this.#move(client, before, { kind: 'gone' })
    this.#open.delete(client.id)
    this.#leaving.delete(client)
    return before
  }

  #move(client: ClientSocket, from: ClientStage['kind'], stage: ClientStage): void {
    assert(client.stage.kind === from && from !== 'gone', 'a client only moves to a later stage', {
      connectionId: client.id,
      stage: client.stage.kind,
      next: stage.kind,
    })
    if (from === 'silent') this.#silent.delete(client)
    client.stage = stage
  }

  // --- deadlines ---

  /** Clients that connected at `openedByMs` or before and have sent no connect request. */
  silentSince(openedByMs: number): readonly ClientSocket[] {
    const found: ClientSocket[] = []
    for (const client of this.#silent) {
      if (client.openedAtMs > openedByMs) break
      found.push(client)
    }
    return found
  }

  /** The last bytes were given to the stream: the deadline moves by the time to read them. */
  giveTimeToRead(client: ClientSocket): void {
    if (client.stage.kind !== 'leaving') return
    const cutOffAtMs = client.stage.cutOffAtMs + client.queuedBytes / readSizeBytesPerMsMin
    client.stage = { kind: 'leaving', cutOffAtMs }
  }

  tick(nowMs: number): void {
    for (const { stage, stream } of this.#leaving) {
      if (stage.kind === 'leaving' && nowMs >= stage.cutOffAtMs) stream.destroy()
    }
  }

  get unsentCount(): number {
    let count = 0
    for (const { stream } of this.#leaving) if (stream.queuedBytes() > 0) count++
    return count
  }

  destroyLeaving(): void {
    for (const { stream } of [...this.#leaving]) stream.destroy()
  }
}
