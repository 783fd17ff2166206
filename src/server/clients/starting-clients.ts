/**
 * Client connections while the server reads its data. The port is open, so that an operator can ask the server whether
 * it runs: `ruok` is answered, and so are the other words that need no data. A client that wants a session is
 * disconnected and tries another server, as in ZooKeeper (ZK: NIOServerCnxn.readConnectRequest).
 * Assumes: `stop` is called before the first connection goes to ClientSockets.
 */

import type { StartingSources } from '../../admin/envi-text.ts'
import { answerWhileStarting } from '../../admin/four-letter-words.ts'
import type { Config } from '../../config/config.ts'
import { ClientConnection } from '../../connection/client-connection.ts'
import type { ConnectionInput } from '../../connection/connection-input.ts'
import type { ServerMetrics } from '../../metrics/server-metrics.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Log } from '../../ports/log.ts'
import type { ByteStream } from '../../ports/stream.ts'
import type { HostFacts } from '../host-facts.ts'
import { RefusalLog } from './refusal-log.ts'

export interface StartingClientsOptions {
  readonly config: Config
  readonly version: string
  readonly host: HostFacts
  readonly clock: Clock
  readonly log: Log
  readonly metrics: ServerMetrics
}

/** Above this number the oldest is closed: clients that connect and send nothing must not keep out the words. */
const openCountMax = 100

export class StartingClients {
  readonly #options: StartingClientsOptions
  readonly #refusals: RefusalLog
  readonly #open = new Set<ByteStream>()

  constructor(options: StartingClientsOptions) {
    this.#options = options
    this.#refusals = new RefusalLog(options.log, () => options.clock.monotonicMs())
  }

  accept(stream: ByteStream): void {
    const readsTraceMask = this.#options.config.fourLetterWords.includes('stmk')
    const connection = new ClientConnection(undefined, null, readsTraceMask)
    const [oldest] = this.#open
    if (oldest !== undefined && this.#open.size >= openCountMax) this.#refuse(oldest)
    this.#open.add(stream)
    stream.handle({
      onData: (bytes) => {
        const inputs: ConnectionInput[] = []
        connection.receive(bytes, this.#options.clock.monotonicMs(), inputs)
        const [first] = inputs
        if (first !== undefined && this.#open.has(stream)) this.#take(stream, first)
      },
      onDrain: () => {},
      onClose: () => {
        this.#open.delete(stream)
      },
    })
  }

  /** The server is about to serve, or does not start: connections that have sent nothing yet are closed. */
  stop(): void {
    for (const stream of [...this.#open]) stream.destroy()
    this.#open.clear()
  }

  #take(stream: ByteStream, input: ConnectionInput): void {
    if (input.kind !== 'four-letter-word') return this.#refuse(stream)
    const { config, version, host } = this.#options
    const sources: StartingSources = { status: { version }, environment: host.environment, details: host }
    stream.write(utf8.encode(answerWhileStarting(input.word, config.fourLetterWords, sources)))
    this.#open.delete(stream) // what it sends later is ignored
    stream.end()
  }

  #refuse(stream: ByteStream): void {
    const { remoteAddress, remotePort } = stream
    this.#options.metrics.cnxn_closed_without_zk_server_running.add()
    this.#refusals.clientClosed('not-serving', { remoteAddress, remotePort })
    this.#open.delete(stream)
    stream.destroy()
  }
}

const utf8 = new TextEncoder()
