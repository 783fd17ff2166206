/** The ports of the real machine, for a server that runs in this process. */
import type { Log } from '../ports/log.ts'
import type { Ports } from '../ports/ports.ts'
import { checkpointThread } from './checkpoint-thread.ts'
import { checkpointEntry } from './checkpoint-worker.ts'
import { nodeClock } from './node-clock.ts'
import { nodeDigest } from './node-digest.ts'
import { nodeDisk } from './node-disk.ts'
import { nodeHttp } from './node-http.ts'
import { nodeDialer, nodeListener } from './node-net.ts'
import { nodeRandom } from './node-random.ts'
import { nodeTimers } from './node-timers.ts'

export interface NodePortsOptions {
  readonly log: Log
  /** Connections that the kernel queues until they are accepted. -1 = the system's own limit. */
  readonly backlog: number
  /** See `NodeDiskOptions`. Default true. */
  readonly requiresDirectorySync?: boolean
  /** True: accepted sockets are used through documented fields of Node.js only, which costs some throughput. */
  readonly plainSockets?: boolean
}

export function nodePorts({
  log,
  backlog,
  requiresDirectorySync = true,
  plainSockets = false,
}: NodePortsOptions): Ports {
  const timers = nodeTimers()
  return {
    clock: nodeClock(),
    timers,
    random: nodeRandom(),
    disk: nodeDisk({ requiresDirectorySync }),
    openCheckpoints: checkpointThread({ entry: checkpointEntry, log, timers, requiresDirectorySync }),
    listener: nodeListener({ backlog, plainSockets }),
    dialer: nodeDialer(),
    http: nodeHttp(),
    digest: nodeDigest(),
    log,
  }
}
