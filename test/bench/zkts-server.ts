/**
 * Our own server as a child process, started the way an operator starts it.
 * Owns: its command line. Assumes: `npm run build` has run, for bin/ runs what is in dist/.
 * The heap is limited to the same 1 GB as the JVM it is compared with.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type RunningServer, startServerProcess } from './server-process.ts'
import { type ServerOptions, startTimeoutMsDefault, writeZooConfig } from './zoo-config.ts'

const program = fileURLToPath(new URL('../../bin/zkts-server.js', import.meta.url))

export function assertZktsServerExists(): void {
  if (!existsSync(program))
    throw new Error(`${program} does not exist: build the project first, or use --target zookeeper`)
}

/** Resolves once the server serves: members of an ensemble must therefore be started together. */
export async function startZktsServer(options: ServerOptions): Promise<RunningServer> {
  const configFile = await writeZooConfig(options)
  return startServerProcess({
    name: 'zkts-server',
    program: process.execPath,
    args: ['--max-old-space-size=1024', options.program ?? program, '--config', configFile],
    env: { NODE_OPTIONS: '' }, // ours are for running TypeScript; an operator has none
    clientPort: options.clientPort,
    logFile: join(options.dir, 'server.log'),
    timeoutMs: options.timeoutMs ?? startTimeoutMsDefault,
  })
}
