/**
 * zkts as a child process, started as an operator starts it.
 * Owns: its command line. Assumes: the build is fresh, since bin/ runs the files of dist/; npm run bench makes it.
 * The heap has the same limit as that of the JVM that it is compared with.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type RunningServer, startServerProcess } from './server-process.ts'
import { heapSizeMibMaxDefault, type ServerOptions, startTimeoutMsDefault, writeZooConfig } from './zoo-config.ts'

const program = fileURLToPath(new URL('../../bin/zkts-server.js', import.meta.url))

export function assertZktsServerExists(): void {
  if (!existsSync(program))
    throw new Error(`${program} does not exist: build the project first, or use --target zookeeper`)
}

/** Resolves once the server serves: members of an ensemble must therefore be started together. */
export async function startZktsServer(options: ServerOptions): Promise<RunningServer> {
  const configFile = await writeZooConfig(options)
  const heapSizeMibMax = options.heapSizeMibMax ?? heapSizeMibMaxDefault
  return startServerProcess({
    name: 'zkts-server',
    program: process.execPath,
    args: [`--max-old-space-size=${heapSizeMibMax}`, options.program ?? program, '--config', configFile],
    env: { NODE_OPTIONS: '' }, // without the options of this process, which are for running TypeScript
    clientPort: options.clientPort,
    logFile: join(options.dir, 'server.log'),
    niceness: options.niceness ?? 0,
    timeoutMs: options.timeoutMs ?? startTimeoutMsDefault,
  })
}
