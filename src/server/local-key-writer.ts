/**
 * Writes the local key of this start into the data folder, and tries again while the disk is full. Owns: that nothing is
 * written once `close` has resolved; the folder may belong to another process then, which has a key of its own. Assumes:
 * the server knows the key from the start. While the file is missing, or has the key of an earlier start, it admits no client.
 */
import { diskFullRetryMs } from '../base/limits.ts'
import type { Log } from '../ports/log.ts'
import type { Ports } from '../ports/ports.ts'
import { isDiskFull } from '../storage/disk-space.ts'
import { localKeyPath, newLocalKey, writeLocalKey } from '../storage/local-key-file.ts'

export class LocalKeyWriter {
  readonly key: string
  readonly #ports: Pick<Ports, 'disk' | 'timers'>
  readonly #dataDir: string
  readonly #log: Log
  #writing: Promise<void> = Promise.resolve()
  #cancelRetry: () => void = () => {}
  #isLogged = false
  #isClosed = false

  constructor(ports: Pick<Ports, 'disk' | 'timers' | 'random'>, dataDir: string, log: Log) {
    this.key = newLocalKey(ports.random)
    this.#ports = ports
    this.#dataDir = dataDir
    this.#log = log
  }

  /** Resolves after the first attempt. */
  start(): Promise<void> {
    this.#writing = this.#write()
    return this.#writing
  }

  /** Resolves when the write in progress has ended. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancelRetry()
    await this.#writing
  }

  async #write(): Promise<void> {
    const { disk, timers } = this.#ports
    try {
      await writeLocalKey(disk, this.#dataDir, this.key)
    } catch (cause) {
      // Only an error that has a system's code is a fault of the disk; any other is a bug.
      if (!(cause instanceof Error && 'code' in cause)) throw cause
      if (!this.#isLogged) this.#log.warn('local-key-not-written', { path: localKeyPath(this.#dataDir), err: cause })
      this.#isLogged = true
      if (this.#isClosed || !isDiskFull(cause)) return
      this.#cancelRetry = timers.after(diskFullRetryMs, () => void this.start())
    }
  }
}
