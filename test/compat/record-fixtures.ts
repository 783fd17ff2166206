/**
 * Records the frames between the stock Java client and Apache ZooKeeper, for test/protocol: `npx tsx test/compat/record-fixtures.ts`.
 * The client (recorder/RecordedClient.java) announces the name of each step, and a proxy records every frame under that name.
 * The recording is committed. Repeat it when a new version of ZooKeeper has new messages. Needs Java and Maven.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { startServers } from './servers.ts'
import { javaClasspath, javaSuite } from './suites.ts'

const projectRoot = resolve(import.meta.dirname, '..', '..')
const fixture = join(projectRoot, 'test', 'protocol', 'fixtures', 'java-client-3.9.5.json')
const build = { sources: import.meta.dirname, cache: join(projectRoot, '.cache', 'compat') }
const startTimeoutMs = 60_000

interface RecordedFrame {
  readonly connection: number // counted from 1
  readonly from: 'client' | 'server'
  readonly name: string
  readonly hex: string // without the four bytes of its length
}

interface Recorder {
  readonly port: number
  readonly frames: readonly RecordedFrame[]
  name: string
  cut(): void
  isBlocked: boolean
}

async function startRecorder(targetPort: number): Promise<Recorder> {
  const frames: RecordedFrame[] = []
  const sockets = new Set<Socket>()
  let connectionCount = 0
  const recorder = {
    port: 0,
    frames,
    name: '',
    isBlocked: false,
    cut(): void {
      for (const socket of [...sockets]) socket.destroy()
    },
  }
  const server = createServer((downstream) => {
    if (recorder.isBlocked) return void downstream.destroy()
    const upstream = connect({ host: '127.0.0.1', port: targetPort, noDelay: true })
    downstream.setNoDelay(true)
    const connection = ++connectionCount
    const record = (from: RecordedFrame['from']) => (payload: Buffer) =>
      frames.push({ connection, from, name: recorder.name, hex: payload.toString('hex') })
    for (const [source, target, from] of [
      [downstream, upstream, 'client'],
      [upstream, downstream, 'server'],
    ] as const) {
      const cutFrames = frameCutter(record(from))
      sockets.add(source)
      source.on('data', (chunk) => {
        cutFrames(chunk)
        target.write(chunk)
      })
      source.on('error', () => source.destroy())
      source.on('close', () => {
        sockets.delete(source)
        target.destroy()
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  recorder.port = (server.address() as AddressInfo).port
  return recorder
}

function frameCutter(onFrame: (payload: Buffer) => void): (chunk: Buffer) => void {
  let pending = Buffer.alloc(0)
  return (chunk) => {
    pending = Buffer.concat([pending, chunk])
    while (pending.length >= 4 && pending.length >= 4 + pending.readInt32BE(0)) {
      const end = 4 + pending.readInt32BE(0)
      onFrame(pending.subarray(4, end))
      pending = pending.subarray(end)
    }
  }
}

/** The HTTP port by which RecordedClient announces its steps. Answers when the step is recorded. */
async function startControl(recorder: Recorder): Promise<number> {
  const server = createHttpServer((request, response) => {
    const [verb = '', argument = ''] = (request.url ?? '').split('/').slice(1)
    if (verb === 'name') recorder.name = decodeURIComponent(argument.replaceAll('+', ' '))
    if (verb === 'block') recorder.isBlocked = true
    if (verb === 'unblock') recorder.isBlocked = false
    if (verb === 'cut' || verb === 'block') recorder.cut()
    response.writeHead(200).end('done\n')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

async function main(): Promise<number> {
  const classpath = await javaClasspath(build)
  const command = await javaSuite(build, 'recorder', 'RecordedClient')
  const directory = mkdtempSync(join(tmpdir(), 'zkts-record-'))
  const options = { target: 'zookeeper', serverCount: 1, tickTimeMs: 1000, isExtended: true } as const
  const servers = await startServers({ ...options, directory, projectRoot, classpath })
  try {
    await servers.waitUntilAllServe(startTimeoutMs)
    const recorder = await startRecorder(servers.clientPorts[0]!)
    const child = spawn(command[0]!, command.slice(1), {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {
        ...process.env,
        ZK_SERVERS: `127.0.0.1:${servers.clientPorts[0]}`,
        ZK_PROXY: `127.0.0.1:${recorder.port}`,
        ZK_CONTROL: `127.0.0.1:${await startControl(recorder)}`,
        ZK_ROOT: '/',
      },
    })
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
    if (code !== 0) throw new Error(`the recorded client ended with ${code}`)
    mkdirSync(resolve(fixture, '..'), { recursive: true })
    writeFileSync(fixture, `[\n${recorder.frames.map((frame) => `  ${JSON.stringify(frame)}`).join(',\n')}\n]\n`)
    console.log(`${recorder.frames.length} frames in ${fixture}`)
    return 0
  } finally {
    await servers.stopAll()
    rmSync(directory, { recursive: true, force: true })
  }
}

process.exit(await main())
