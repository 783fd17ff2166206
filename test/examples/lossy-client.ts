/**
 * A client whose connection fails when the test says so: after a request has reached the server and before its answer
 * arrives, or for as long as the test disconnects it. Time and network are those of test/server.
 */
import { connectWith } from '../../src/client/connect.ts'
import type { Client, ClientPorts } from '../../src/client/types.ts'
import type { ByteStream } from '../../src/ports/stream.ts'
import { clientPorts } from '../client/client-ports.ts'
import { clientPort, ServerRig, serverHost } from '../support/server-rig.ts'

export class LossyClient {
  readonly zk: Client
  readonly #connection: Connection

  private constructor(zk: Client, connection: Connection) {
    this.zk = zk
    this.#connection = connection
  }

  static async connected(simulation: ServerRig, host: string, sessionTimeoutMs = 6_000): Promise<LossyClient> {
    const ports = clientPorts(simulation, host)
    const connection = new Connection(ports.dialer)
    const options = { servers: `${serverHost}:${clientPort}`, sessionTimeoutMs }
    const zk = await simulation.settle(connectWith(options, 5_000, { ...ports, dialer: connection }))
    return new LossyClient(zk, connection)
  }

  /** Lets `count` answers pass. The connection breaks before the next one; the server has performed that request. */
  loseAnswerAfter(count: number): void {
    this.#connection.answersUntilLoss = count
  }

  get hasLostAnswer(): boolean {
    return this.#connection.hasLostAnswer
  }

  cutOff(): void {
    this.#connection.isCutOff = true
    this.#connection.stream?.destroy()
  }

  reconnect(): void {
    this.#connection.isCutOff = false
  }
}

/** A standalone server with two clients. */
export async function twoClients(): Promise<{
  readonly simulation: ServerRig
  readonly one: LossyClient
  readonly two: LossyClient
}> {
  const simulation = new ServerRig()
  await simulation.started()
  const one = await LossyClient.connected(simulation, '10.0.1.1')
  const two = await LossyClient.connected(simulation, '10.0.1.2')
  return { simulation, one, two }
}

class Connection {
  answersUntilLoss = Number.POSITIVE_INFINITY
  hasLostAnswer = false
  isCutOff = false
  stream: ByteStream | null = null
  readonly #dialer: ClientPorts['dialer']

  constructor(dialer: ClientPorts['dialer']) {
    this.#dialer = dialer
  }

  dial(...[address, timeoutMs, done]: Parameters<ClientPorts['dialer']['dial']>): () => void {
    return this.#dialer.dial(address, timeoutMs, (outcome) => {
      if (!outcome.ok) return done(outcome)
      if (this.isCutOff) {
        outcome.stream.destroy()
        return done({ ok: false, error: new Error('cut off') })
      }
      this.stream = outcome.stream
      done({ ok: true, stream: this.#losing(outcome.stream) })
    })
  }

  #losing(stream: ByteStream): ByteStream {
    return {
      remoteAddress: stream.remoteAddress,
      remotePort: stream.remotePort,
      localPort: stream.localPort,
      handle: (handlers) =>
        stream.handle({
          onDrain: () => handlers.onDrain(),
          onClose: (error) => handlers.onClose(error),
          onData: (bytes) => {
            if (this.answersUntilLoss-- > 0) return handlers.onData(bytes)
            this.answersUntilLoss = Number.POSITIVE_INFINITY
            this.hasLostAnswer = true
            stream.destroy()
          },
        }),
      write: (bytes) => stream.write(bytes),
      queuedBytes: () => stream.queuedBytes(),
      pause: () => stream.pause(),
      resume: () => stream.resume(),
      end: () => stream.end(),
      destroy: () => stream.destroy(),
    }
  }
}
