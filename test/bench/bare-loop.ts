/**
 * The limit for a server in Node.js: a loop that cuts the requests of clients into frames, writes their bodies into one file
 * with one durable write at a time, and answers. It keeps no znode, checks nothing and compares nothing. What is sent while a
 * write is under way goes into the next one. Reads are answered at once.
 * Arguments: the port, and a folder for the file.
 */
import { constants, openSync, write as writeFile, writeSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'

const [port, folder] = [Number(process.argv[2]), process.argv[3] ?? '.']
const opcodes = { create: 1, getData: 4, closeSession: -11 } as const
const statSizeBytes = 68
const readSizeBytes = 100
/** Written over and over, so that its blocks exist. */
const fileSizeBytes = 16 * 1024 * 1024
const setupSizeBytes = 1024 * 1024

interface Client {
  readonly socket: Socket
  partial: Buffer
  isConnected: boolean
  output: Buffer[]
}

interface Waiting {
  readonly client: Client
  readonly reply: Buffer
}

const file = join(folder, 'bare-loop')
const setup = openSync(file, 'w')
for (let at = 0; at < fileSizeBytes; at += setupSizeBytes) writeSync(setup, Buffer.alloc(setupSizeBytes))
const descriptor = openSync(file, constants.O_RDWR | constants.O_DSYNC)

let bodies: Buffer[] = []
let waiting: Waiting[] = []
let isWriting = false
let position = 0
const toFlush = new Set<Client>()

createServer({ noDelay: true }, (socket) => {
  const client: Client = { socket, partial: Buffer.alloc(0), isConnected: false, output: [] }
  socket.on('error', () => {})
  socket.on('data', (chunk) => receive(client, chunk))
}).listen(port, '127.0.0.1')

function receive(client: Client, chunk: Buffer): void {
  if (!client.isConnected && chunk.toString('latin1', 0, 4) === 'srvr') {
    client.socket.end('Zookeeper version: bare-loop\nMode: standalone\n')
    return
  }
  const bytes = client.partial.length === 0 ? chunk : Buffer.concat([client.partial, chunk])
  let at = 0
  while (bytes.length - at >= 4) {
    const end = at + 4 + bytes.readInt32BE(at)
    if (end > bytes.length) break
    take(client, bytes.subarray(at + 4, end))
    at = end
  }
  client.partial = Buffer.from(bytes.subarray(at))
}

function take(client: Client, frame: Buffer): void {
  if (!client.isConnected) {
    client.isConnected = true
    return answer(client, connectReply())
  }
  const opcode = frame.readInt32BE(4)
  if (opcode === opcodes.getData) return answer(client, reply(frame, 4 + readSizeBytes + statSizeBytes))
  if (opcode === opcodes.closeSession) return answer(client, reply(frame, 0))
  bodies.push(Buffer.from(frame))
  const sizeBytes = opcode === opcodes.create ? 4 + frame.readInt32BE(8) : statSizeBytes
  waiting.push({ client, reply: reply(frame, sizeBytes) })
  if (!isWriting) setImmediate(writeBatch)
  isWriting = true
}

function writeBatch(): void {
  const written = waiting
  const batch = Buffer.concat(bodies)
  waiting = []
  bodies = []
  if (position + batch.length > fileSizeBytes) position = 0
  writeFile(descriptor, batch, 0, batch.length, position, (error) => {
    if (error !== null) throw error
    for (const each of written) answer(each.client, each.reply)
    isWriting = waiting.length > 0
    if (isWriting) writeBatch()
  })
  position += batch.length
}

/** One write for each socket and turn. */
function answer(client: Client, bytes: Buffer): void {
  client.output.push(bytes)
  if (toFlush.size === 0) setImmediate(flush)
  toFlush.add(client)
}

function flush(): void {
  for (const client of toFlush) {
    const { output, socket } = client
    client.output = []
    socket.write(output.length === 1 ? output[0]! : Buffer.concat(output))
  }
  toFlush.clear()
}

function reply(frame: Buffer, bodySizeBytes: number): Buffer {
  const bytes = Buffer.alloc(20 + bodySizeBytes)
  bytes.writeInt32BE(16 + bodySizeBytes, 0)
  frame.copy(bytes, 4, 0, 4) // the xid
  if (bodySizeBytes > statSizeBytes) bytes.writeInt32BE(readSizeBytes, 20)
  return bytes
}

function connectReply(): Buffer {
  const bytes = Buffer.alloc(4 + 37)
  bytes.writeInt32BE(37, 0)
  bytes.writeInt32BE(30_000, 8)
  bytes.writeInt32BE(1, 16)
  bytes.writeInt32BE(16, 20)
  return bytes
}
