/**
 * Facts about this machine and process, for the four-letter words `envi` and `mntr`. The counts of file descriptors
 * come from /proc; on a system without it they are null.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { arch, freemem, homedir, hostname, type as osType, release, tmpdir, totalmem, userInfo } from 'node:os'
import { getHeapStatistics } from 'node:v8'
import type { MetricFamily } from '../base/metric-family.ts'
import { measureProcess } from './process-metrics.ts'

export interface NodeHost {
  readonly environment: {
    readonly hostName: string
    readonly nodeVersion: string
    readonly nodeExecutable: string
    readonly temporaryFolder: string
    readonly osName: string
    readonly osArch: string
    readonly osVersion: string
    readonly userName: string
    readonly userHome: string
    readonly userDir: string
  }
  memory(): { readonly freeBytes: number; readonly maxBytes: number; readonly totalBytes: number }
  fileDescriptors(): { readonly openCount: number; readonly maxCount: number } | null
  /** Begins to measure the process; each call of the result reads what was measured. */
  measureProcess(): () => readonly MetricFamily[]
  /** The number of log lines that were dropped because the output did not take them. */
  lostLogLines(): number
}

export function nodeHost({ lostLogLines }: { readonly lostLogLines: () => number }): NodeHost {
  return {
    environment: {
      hostName: hostname(),
      nodeVersion: process.versions.node,
      nodeExecutable: process.execPath,
      temporaryFolder: tmpdir(),
      osName: osType(),
      osArch: arch(),
      osVersion: release(),
      userName: userName(),
      userHome: homedir(),
      userDir: process.cwd(),
    },
    // Znodes are stored outside the JavaScript heap, so memory is limited by the machine and not by the heap limit.
    memory: () => {
      const { total_available_size: heapFreeBytes } = getHeapStatistics()
      return {
        freeBytes: Math.min(freemem(), heapFreeBytes),
        maxBytes: totalmem(),
        totalBytes: process.memoryUsage.rss(),
      }
    },
    fileDescriptors,
    measureProcess,
    lostLogLines,
  }
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    return '<NA>' // a container may run under a user id without a name
  }
}

function fileDescriptors(): { readonly openCount: number; readonly maxCount: number } | null {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))
    if (limit === null) return null
    // Since Linux 6.2 the size of the folder is the number of its entries; before, it is 0. Listing 10,000 takes milliseconds.
    const { size } = statSync('/proc/self/fd')
    return { openCount: size > 0 ? size : readdirSync('/proc/self/fd').length, maxCount: Number(limit[1]) }
  } catch {
    return null
  }
}
