/**
 * A server inside your own program, for tests or for a single machine. It is the same server that zkts-server runs.
 *
 *   npx tsx examples/embedded-server.ts
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, describeProblem, type Log, loadConfig, nodePorts } from 'zkts'
import { connect } from 'zkts/client'

/** Gets the log lines of the server. A real program passes them to its own logger. */
const log: Log = {
  error: (event, fields) => console.error(event, fields),
  warn: (event, fields) => console.warn(event, fields),
  info: () => {},
  debug: () => {},
  child: () => log,
}

const folder = await mkdtemp(join(tmpdir(), 'embedded-'))
// Port 0: the system chooses a free port, which the server returns.
const text = `dataDir=${folder}\nclientPort=0\nclientPortAddress=127.0.0.1\n`
const parsed = loadConfig({ text, dynamicText: null, myidText: null })
if (!parsed.ok) throw new Error(parsed.error.map((problem) => describeProblem(problem)).join('\n'))

const { config } = parsed.value
const server = createServer({ config, version: 'embedded', ports: nodePorts({ log, backlog: config.clientBacklog }) })
const started = await server.start()
// start() returns a value if the server cannot start, since the cause is outside the program: a port or a disk.
if (!started.ok) throw new Error(started.error.message)
// The server stops by itself if its disk fails.
void server.stopped.then((reason) => console.log(`stopped: ${reason}`))

const zk = await connect(`127.0.0.1:${server.clientAddress.port}`)
const { path } = await zk.create('/greeting', new TextEncoder().encode('hello'))
const { data } = await zk.getData(path)
console.log(`${path} is ${new TextDecoder().decode(data ?? undefined)}`)
await zk.close()

await server.close()
await rm(folder, { recursive: true })
