/**
 * The statistics of all clients of a server: packets, bytes, latencies, sizes of replies (ZK: ServerStats).
 * Owns: that the totals of the server and the counters of a connection are reset independently. A connection counts its
 * own packets. The total is the sum over the open connections plus a remainder, which holds the counts of closed
 * connections and of counters that were reset, and which is negative after the total was reset.
 */
import type { SizeStatus } from '../../admin/server-status.ts'
import type { Counter } from '../../metrics/counter.ts'
import type { Histogram } from '../../metrics/histogram.ts'
import { OperationLatencies } from '../../metrics/operation-latencies.ts'
import type { ServerMetrics } from '../../metrics/server-metrics.ts'
import type { ClientRequest } from '../../protocol/client/client-request.ts'
import type { ClientSocket } from './client-socket.ts'
import { Latency } from './latency.ts'

export interface PacketTotals {
  readonly packetsReceived: number
  readonly packetsSent: number
}

/** Header and length of a reply (protocol/client/headers.ts). */
const replyOverheadSizeBytes = 20

export class ClientStatistics {
  readonly latency = new Latency()
  /** Null: metrics are not served over HTTP, so that no client pays 30 ns of each request for what is not read. */
  readonly latencyByOperation: OperationLatencies | null
  readonly #readLatency: Histogram
  readonly #updateLatency: Histogram
  readonly #responseBytes: Counter
  readonly #receivedBytes: Counter
  readonly #eventBytes: Counter
  #packetsReceived = 0
  #packetsSent = 0
  #lastResponseBytes = -1
  #minResponseBytes = -1
  #maxResponseBytes = -1

  constructor(metrics: ServerMetrics, countsByOperation: boolean) {
    this.latencyByOperation = countsByOperation ? new OperationLatencies() : null
    this.#readLatency = metrics.readlatency
    this.#updateLatency = metrics.updatelatency
    this.#responseBytes = metrics.response_bytes
    this.#receivedBytes = metrics.bytes_received_count
    this.#eventBytes = metrics.watch_bytes
  }

  received(sizeBytes: number): void {
    this.#receivedBytes.add(sizeBytes)
  }

  eventWritten(sizeBytes: number): void {
    this.#eventBytes.add(sizeBytes)
  }

  /** A write that a limit refused counts as a read: it was never proposed. */
  answered(client: ClientSocket, { op, refusal, readAtMs }: ClientRequest, nowMs: number, bodySizeBytes: number): void {
    const isWrite = op?.access === 'write' && refusal === null
    client.lastReplyAtMs = nowMs
    // The time of a part of a backup depends on its pace, and says nothing about requests.
    if (op?.access !== 'operator') {
      const latencyMs = nowMs - readAtMs
      client.latency.note(latencyMs)
      this.latency.note(latencyMs)
      if (isWrite) this.#updateLatency.note(latencyMs)
      else this.#readLatency.note(latencyMs)
      if (op !== null && this.latencyByOperation !== null) this.latencyByOperation.note(op.name, latencyMs)
    }
    const sizeBytes = replyOverheadSizeBytes + bodySizeBytes
    this.#responseBytes.add(sizeBytes)
    this.#lastResponseBytes = sizeBytes
    if (this.#minResponseBytes < 0 || sizeBytes < this.#minResponseBytes) this.#minResponseBytes = sizeBytes
    if (sizeBytes > this.#maxResponseBytes) this.#maxResponseBytes = sizeBytes
  }

  /** The answer to a four-letter word is a packet that no connection counts. */
  wordAnswered(): void {
    this.#packetsSent++
  }

  /** Adds the counts of a connection that ends, or whose counters are about to be reset. */
  keepCountsOf({ connection }: ClientSocket): void {
    this.#packetsReceived += connection.packetsReceived
    this.#packetsSent += connection.packetsSent
  }

  totals(open: Iterable<ClientSocket>): PacketTotals {
    let packetsReceived = this.#packetsReceived
    let packetsSent = this.#packetsSent
    for (const { connection } of open) {
      packetsReceived += connection.packetsReceived
      packetsSent += connection.packetsSent
    }
    return { packetsReceived, packetsSent }
  }

  get responses(): SizeStatus {
    return { lastBytes: this.#lastResponseBytes, minBytes: this.#minResponseBytes, maxBytes: this.#maxResponseBytes }
  }

  reset(open: Iterable<ClientSocket>): void {
    this.latency.reset()
    this.latencyByOperation?.reset()
    this.#lastResponseBytes = -1
    this.#minResponseBytes = -1
    this.#maxResponseBytes = -1
    const { packetsReceived, packetsSent } = this.totals(open)
    this.#packetsReceived -= packetsReceived
    this.#packetsSent -= packetsSent
  }
}
