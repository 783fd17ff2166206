/** When an ensemble whose leader was killed leads and writes again, as its clients see it. */
import { connect } from '../../src/client/index.ts'
import { fourLetterWord, type RunningServer } from './server-process.ts'

const probeIntervalMs = 2
/** After this time a run has failed. */
export const limitMs = 30_000

export function serverAt(servers: readonly RunningServer[], clientPort: number): RunningServer {
  return servers.find((server) => server.clientPort === clientPort)!
}

export async function whenLeading(ports: readonly number[], fromMs: number): Promise<number> {
  let foundMs: number | null = null
  const probe = async (port: number): Promise<void> => {
    const answer = await fourLetterWord(port, 'srvr', 1_000).catch(() => '')
    if (answer.includes('Mode: leader')) foundMs ??= performance.now() - fromMs
  }
  while (foundMs === null) {
    assertInTime(fromMs)
    await Promise.race([Promise.all(ports.map(probe)), pause(10 * probeIntervalMs)])
    await pause(probeIntervalMs)
  }
  return foundMs
}

/** Each attempt opens a new session, so that the retry delay of a client is not measured. */
export async function whenWritten(ports: readonly number[], fromMs: number): Promise<number> {
  const servers = ports.map((port) => `127.0.0.1:${port}`).join(',')
  for (;;) {
    assertInTime(fromMs)
    try {
      const client = await connect({
        servers,
        connectTimeoutMs: 200,
        dialTimeoutMs: 100,
        retryDelayMs: probeIntervalMs,
      })
      await client.setData('/failover', new Uint8Array(2))
      const writtenMs = performance.now() - fromMs
      client.abandon()
      return writtenMs
    } catch {
      await pause(probeIntervalMs)
    }
  }
}

function assertInTime(fromMs: number): void {
  if (performance.now() - fromMs > limitMs) throw new Error(`no leader after ${limitMs} ms`)
}

export function pause(durationMs: number): Promise<void> {
  return new Promise((resolvePause) => setTimeout(resolvePause, durationMs))
}
