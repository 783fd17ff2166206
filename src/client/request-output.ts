/**
 * Collects the requests of one turn of the event loop as frames and sends them in one write at its end. If the
 * connection is lost before that, `reset` drops them; on the next connection they would cause unexpected replies.
 */
import { JuteWriter } from '../jute/jute-writer.ts'
import { requestHeaderSizeBytes } from '../protocol/client/headers.ts'
import { type OpName, ops } from '../protocol/client/operations.ts'
import type { ClientPorts } from './types.ts'

export class RequestOutput {
  readonly #ports: Pick<ClientPorts, 'clock' | 'timers'>
  readonly #send: (bytes: Uint8Array) => void
  readonly #writer = new JuteWriter()
  #isFlushDue = false
  #lastWrittenMs = 0

  constructor(ports: Pick<ClientPorts, 'clock' | 'timers'>, send: (bytes: Uint8Array) => void) {
    this.#ports = ports
    this.#send = send
  }

  /** When the last request was written, by the monotonic clock. */
  get lastWrittenMs(): number {
    return this.#lastWrittenMs
  }

  write(xid: number, op: OpName, body: Uint8Array | null): void {
    const writer = this.#writer
    writer.writeInt(requestHeaderSizeBytes + (body?.length ?? 0))
    writer.writeInt(xid)
    writer.writeInt(ops[op].opcode)
    if (body !== null) writer.writeBytes(body)
    this.#lastWrittenMs = this.#ports.clock.monotonicMs()
    if (this.#isFlushDue) return
    this.#isFlushDue = true
    this.#ports.timers.atTurnEnd(() => this.#flush())
  }

  reset(): void {
    this.#writer.reset()
  }

  #flush(): void {
    this.#isFlushDue = false
    if (this.#writer.lengthBytes > 0) this.#send(this.#writer.take())
    this.#writer.reset()
  }
}
