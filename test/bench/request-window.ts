/**
 * Sends a known number of requests over one session, as many in flight as the window allows, and waits for all replies.
 * It is for preparing and changing large trees, not for latencies. Any error reply that `accepts` does not allow rejects.
 */
import { type FrameTemplate, writeFrame } from './frames.ts'
import { LoadSession } from './load-session.ts'

export interface Requests {
  readonly port: number
  readonly count: number
  readonly inFlightMax: number
  /** The request with this index, from 0 on. */
  frame(index: number): { readonly template: FrameTemplate; readonly digits: number }
  accepts(err: number): boolean
}

export function sendAll(requests: Requests): Promise<void> {
  const { port, count, inFlightMax } = requests
  return new Promise((resolve, reject) => {
    let sent = 0
    let answered = 0
    const send = (): void => {
      const batch = Math.min(count - sent, inFlightMax - (sent - answered))
      // Small batches would cost one system call for each request.
      if (batch === 0 || (batch < inFlightMax / 4 && sent + batch < count)) return
      session.write(encode(requests, sent, batch))
      sent += batch
    }
    const session = new LoadSession(port, {
      onReply(_xid, err) {
        answered++
        if (err !== 0 && !requests.accepts(err)) reject(new Error(`request ${answered} was refused with ${err}`))
      },
      onChunkEnd() {
        if (answered === count) void session.close().then(resolve)
        else send()
      },
    })
    session.open(reject).then(send, reject)
  })
}

/** Each batch has bytes of its own, since Node may still refer to those of earlier batches. */
function encode(requests: Requests, first: number, count: number): Uint8Array {
  const frames = Array.from({ length: count }, (_, offset) => requests.frame(first + offset))
  const bytes = Buffer.alloc(frames.reduce((sum, { template }) => sum + template.bytes.length, 0))
  let at = 0
  for (const [offset, { template, digits }] of frames.entries()) {
    at = writeFrame(template, first + offset + 1, digits, bytes, at)
  }
  return bytes
}
