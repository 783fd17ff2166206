/**
 * Facts of this machine and process, for the four-letter words `envi` and `mntr`. The counts of file descriptors come
 * from /proc and are null where there is none.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { arch, freemem, homedir, hostname, type as osType, release, tmpdir, totalmem, userInfo } from 'node:os'
import { getHeapStatistics } from 'node:v8'

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
  /** Log lines that were dropped because nothing took them. */
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
    // Znodes live outside the JavaScript heap, so the limit that counts is the machine's, not the heap's.
    memory: () => {
      const { total_available_size: heapFreeBytes } = getHeapStatistics()
      return {
        freeBytes: Math.min(freemem(), heapFreeBytes),
        maxBytes: totalmem(),
        totalBytes: process.memoryUsage.rss(),
      }
    },
    fileDescriptors,
    lostLogLines,
  }
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    return '<NA>' // a container may run under an id without a name
  }
}

function fileDescriptors(): { readonly openCount: number; readonly maxCount: number } | null {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))
    if (limit === null) return null
    return { openCount: readdirSync('/proc/self/fd').length, maxCount: Number(limit[1]) }
  } catch {
    return null
  }
}
