/**
 * Every client socket by the stage of its life, from its acceptance until its stream has ended. Each
 * change of a stage is made here. A client that was sent its last bytes and keeps its side open is cut off in the end:
 * otherwise clients that never close a socket could use up those that this server may have.
 */
import { assert } from '../../base/assert.ts'
import type { ConnectionId } from '../../base/ids.ts'
import type { AttachedSession, ClientSocket, ClientStage } from './client-socket.ts'

/** A client that was sent its last bytes is cut off after this, plus the time for what it has to read. */
const goodbyeMs = 2_000
/** What an operator at the other end of a slow line reads at least, while `wchc` lists ten thousands of watches. */
const goodbyeSizeBytesPerMs = 64

export class ClientRoster {
  /** Silent, connecting or attached. */
  readonly #open = new Map<ConnectionId, ClientSocket>()
  readonly #silent = new Set<ClientSocket>() // oldest first
  readonly #leaving = new Set<ClientSocket>()

  get openCount(): number {
    return this.#open.size
  }

  /** Including those that are leaving. */
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

  /** Its connect request goes to the replica. */
  connecting(client: ClientSocket): void {
    this.#move(client, 'silent', { kind: 'connecting' })
  }

  attached(client: ClientSocket, session: AttachedSession): void {
    this.#move(client, 'connecting', { kind: 'attached', session })
  }

  /** It gets what was written, and no more; returns the stage before. */
  leave(client: ClientSocket, nowMs: number): ClientStage['kind'] {
    const before = client.stage.kind
    assert(!client.isEnding, 'a client leaves once', { connectionId: client.id, stage: before })
    this.#move(client, before, { kind: 'leaving', cutOffAtMs: nowMs + goodbyeMs })
    this.#open.delete(client.id)
    this.#leaving.add(client)
    return before
  }

  /** Its stream has ended; returns the stage before. */
  gone(client: ClientSocket): ClientStage['kind'] {
    const before = client.stage.kind
    this.#move(client, before, { kind: 'gone' })
    this.#open.delete(client.id)
    this.#leaving.delete(client)
    return before
  }

  #move(client: ClientSocket, from: ClientStage['kind'], stage: ClientStage): void {
    assert(client.stage.kind === from && from !== 'gone', 'a client lives forwards', {
      connectionId: client.id,
      stage: client.stage.kind,
      next: stage.kind,
    })
    if (from === 'silent') this.#silent.delete(client)
    client.stage = stage
  }

  // --- their time ---

  /** Those that opened at `openedByMs` or before and have said nothing. */
  silentSince(openedByMs: number): readonly ClientSocket[] {
    const found: ClientSocket[] = []
    for (const client of this.#silent) {
      if (client.openedAtMs > openedByMs) break
      found.push(client)
    }
    return found
  }

  /** What was written last lies with the stream now. */
  giveTimeToRead(client: ClientSocket): void {
    if (client.stage.kind !== 'leaving') return
    const cutOffAtMs = client.stage.cutOffAtMs + client.queuedBytes / goodbyeSizeBytesPerMs
    client.stage = { kind: 'leaving', cutOffAtMs }
  }

  tick(nowMs: number): void {
    for (const { stage, stream } of this.#leaving) {
      if (stage.kind === 'leaving' && nowMs >= stage.cutOffAtMs) stream.destroy()
    }
  }

  destroyLeaving(): void {
    for (const { stream } of [...this.#leaving]) stream.destroy()
  }
}
