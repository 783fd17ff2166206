/**
 * The bare loop (bare-loop.ts) under the loads of one server, and its figures beside those of zkts: how far zkts is from what
 * Node.js can do on this machine with the same system calls and durable writes.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePorts } from '../support/free-ports.ts'
import { loadEnsemble, type Visit } from './measurements.ts'
import type { BenchOptions } from './options.ts'
import { startServerProcess } from './server-process.ts'
import { startTimeoutMsDefault } from './zoo-config.ts'

const program = fileURLToPath(new URL('./bare-loop.ts', import.meta.url))

export type BareLoopCells = Visit['cells']

export async function visitBareLoop(options: BenchOptions, progress: (line: string) => void): Promise<BareLoopCells> {
  const folder = await mkdtemp(join(options.dataDir, 'zkts-bench-bare-loop-'))
  const [port] = await freePorts(1)
  try {
    const server = await startServerProcess({
      name: 'the bare loop',
      program: process.execPath,
      args: [...process.execArgv, program, String(port), folder], // the flags by which Node runs TypeScript
      clientPort: port!,
      logFile: join(folder, 'log'),
      niceness: 0,
      timeoutMs: startTimeoutMsDefault,
    })
    try {
      return await loadEnsemble({ servers: [server], clientPorts: [port!] }, 1, options, progress)
    } finally {
      await server.stop()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
