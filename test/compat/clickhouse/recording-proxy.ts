/**
 * A proxy that counts the requests of a client by opcode. It proves that ClickHouse used the operations under test.
 * Bytes pass unchanged. A part of a multi or multiRead counts as `14.<opcode>` or `22.<opcode>`. A part with an unknown
 * opcode is a failure, since its length is unknown and the parts after it cannot be read.
 */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { Reader, readStat } from '../raw-client.ts'

export interface RecordingProxy {
  readonly port: number
  /** The number of requests by opcode since the last call. */
  take(): ReadonlyMap<string, number>
  close(): void
}

export async function startRecordingProxy(target: string): Promise<RecordingProxy> {
  const [host, port] = target.split(':')
  const sockets = new Set<Socket>()
  let counts = new Map<string, number>()
  const count = (name: string): void => void counts.set(name, (counts.get(name) ?? 0) + 1)
  const server = createServer((downstream) => {
    const upstream = connect({ host: host!, port: Number(port), noDelay: true })
    downstream.setNoDelay(true)
    for (const [source, sink] of [
      [downstream, upstream],
      [upstream, downstream],
    ] as const) {
      sockets.add(source)
      source.on('error', () => source.destroy())
      source.on('close', () => {
        sockets.delete(source)
        sink.destroy()
      })
    }
    downstream.on('data', requestCounter(count))
    downstream.pipe(upstream)
    upstream.pipe(downstream)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    take() {
      const taken = counts
      counts = new Map()
      return taken
    },
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

function requestCounter(count: (name: string) => void): (chunk: Buffer) => void {
  let pending = Buffer.alloc(0)
  let isConnected = false // the first frame is the connect request
  return (chunk) => {
    pending = Buffer.concat([pending, chunk])
    while (pending.length >= 4 && pending.length >= 4 + pending.readInt32BE(0)) {
      const end = 4 + pending.readInt32BE(0)
      if (isConnected) countRequest(new Reader(pending.subarray(4, end)), count)
      isConnected = true
      pending = pending.subarray(end)
    }
  }
}

function countRequest(frame: Reader, count: (name: string) => void): void {
  frame.int() // xid
  const opcode = frame.int()
  count(String(opcode))
  if (opcode !== 14 && opcode !== 22) return
  for (;;) {
    const part = frame.int()
    const isEnd = frame.bool()
    frame.int() // error
    if (isEnd) return
    count(`${opcode}.${part}`)
    skipPart(part, frame)
  }
}

function skipPart(part: number, frame: Reader): void {
  frame.ustring() // every part begins with its path
  switch (part) {
    case 1: // create
    case 502: // createIfNotExists
      frame.buffer()
      for (let left = frame.int(); left > 0; left--) {
        frame.int()
        frame.ustring()
        frame.ustring()
      }
      frame.int()
      return
    case 5: // setData
      frame.buffer()
      frame.int()
      return
    case 2: // delete
    case 13: // check
    case 501: // checkNotExists
    case 503: // removeRecursive
    case 505: // tryRemove
      frame.int()
      return
    case 3: // exists
    case 4: // getData
    case 8: // getChildren
    case 12: // getChildren2
      frame.bool()
      return
    case 500: // filteredList, with a byte for the filter
      frame.bool()
      frame.bool()
      return
    case 504: // checkStat
      frame.int()
      readStat(frame)
      return
    case 506: // filteredListWithStatsAndData
      for (let i = 0; i < 4; i++) frame.bool()
      return
    default:
      throw new Error(`the layout of a part with opcode ${part} is unknown`)
  }
}
