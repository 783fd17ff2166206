/** Shared by the checks of ClickHouse: two embedded ones on the same servers, the first through a proxy that counts, and reads of znodes. */
import { control } from '../node/environment.ts'
import { bodies, connectRaw, opcodes } from '../raw-client.ts'
import { type Embedded, startEmbedded } from './embedded-clickhouse.ts'
import { type RecordingProxy, startRecordingProxy } from './recording-proxy.ts'

export { control }

export const servers: readonly string[] = process.env['ZK_SERVERS']!.split(',')
export const root = process.env['ZK_ROOT']!
/** True: the server has the operations of ClickHouse Keeper. */
export const isKeeper = process.env['ZK_TARGET'] === 'zkts'

export interface Pair {
  readonly first: Embedded
  readonly second: Embedded
  /** Between the first and the server, so that it counts only requests of the first. */
  readonly recorder: RecordingProxy
}

/** The first also goes through the runner's proxy, which cuts its connections on demand. */
export async function startPair(python: string, directory: string): Promise<Pair> {
  const recorder = await startRecordingProxy(process.env['ZK_PROXY']!)
  await createRoot()
  const shared = { python, directory, root }
  return {
    first: startEmbedded({ ...shared, name: 'first', servers: [`127.0.0.1:${recorder.port}`] }),
    second: startEmbedded({ ...shared, name: 'second', servers, hasChroot: true }),
    recorder,
  }
}

async function createRoot(): Promise<void> {
  const session = await connectRaw({ port: Number(servers[0]!.split(':')[1]) })
  const reply = await session.request(1, opcodes.create, bodies.create(root, null, 0))
  if (reply.err !== 0 && reply.err !== nodeExists) throw new Error(`create ${root}: ${reply.err}`)
  await session.request(2, opcodes.closeSession)
}

/** The sorted names of the children, or null if the znode does not exist. */
export async function childrenOf(path: string): Promise<readonly string[] | null> {
  const session = await connectRaw({ port: Number(servers[0]!.split(':')[1]) })
  try {
    const reply = await session.request(1, opcodes.getChildren, bodies.pathAndWatch(path, false))
    if (reply.err === noNode) return null
    if (reply.err !== 0) throw new Error(`getChildren ${path}: ${reply.err}`)
    return reply.body.ustrings().sort()
  } finally {
    await session.request(2, opcodes.closeSession)
  }
}

const noNode = -101
const nodeExists = -110
