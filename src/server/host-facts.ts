/**
 * What `envi` and `mntr` report about the machine and the process. src/server may not read it from Node.js itself; the
 * entry file passes it in, and a simulated server has none.
 */

import type { EnvironmentFacts, FileDescriptorStatus, MemoryStatus } from '../admin/server-status.ts'
import type { MetricFamily } from '../base/metric-family.ts'

export interface HostFacts {
  readonly environment: EnvironmentFacts
  memory(): MemoryStatus
  /** Null where the system does not report them. */
  fileDescriptors(): FileDescriptorStatus | null
  /** Begins to measure the process; each call of the result reads what was measured. */
  measureProcess(): () => readonly MetricFamily[]
  /** Log lines that were dropped because their output did not accept them; null where an embedding program logs. */
  lostLogLines(): number | null
}

const unknown = '<NA>'

export const unknownHost: HostFacts = {
  environment: {
    hostName: unknown,
    nodeVersion: unknown,
    nodeExecutable: unknown,
    temporaryFolder: unknown,
    osName: unknown,
    osArch: unknown,
    osVersion: unknown,
    userName: unknown,
    userHome: unknown,
    userDir: unknown,
  },
  memory: () => ({ freeBytes: 0, maxBytes: 0, totalBytes: 0 }),
  fileDescriptors: () => null,
  measureProcess: () => () => [],
  lostLogLines: () => null,
}
