/**
 * CPU time, memory and disk writes of a process by pid, from /proc.
 * Assumes: Linux with 100 clock ticks a second, as the kernel shows them on every platform that Node runs on. On other
 * systems, and of a process that has ended, the result is undefined and the report says so.
 */
import { readFileSync } from 'node:fs'

export interface ProcessUsage {
  readonly cpuMs: number // user and system, all threads
  readonly rssBytes: number
}

const clockTickMs = 10
const pageSizeBytes = 4096

export function readProcessUsage(pid: number): ProcessUsage | undefined {
  const text = readProcFile(pid, 'stat')
  if (text === undefined) return undefined
  // The second field is the program's name in parentheses and may contain blanks; count from its end.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const userTicks = Number(fields[11])
  const systemTicks = Number(fields[12])
  return { cpuMs: (userTicks + systemTicks) * clockTickMs, rssBytes: Number(fields[21]) * pageSizeBytes }
}

/** The largest resident memory that the process has had. */
export function readRssPeakBytes(pid: number): number | undefined {
  const kib = procField(readProcFile(pid, 'status') ?? '', 'VmHWM')
  return kib === undefined ? undefined : kib * 1024
}

/**
 * Bytes that all threads have written to files since the process began. The kernel counts a page when it becomes
 * dirty, and subtracts nothing when the file is removed later.
 */
export function readWrittenBytes(pid: number): number | undefined {
  return procField(readProcFile(pid, 'io') ?? '', 'write_bytes')
}

/** The number of a line `name: number`, as in /proc/<pid>/io and /proc/<pid>/status. */
export function procField(text: string, name: string): number | undefined {
  const found = new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)
  return found === null ? undefined : Number(found[1])
}

function readProcFile(pid: number, name: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8')
  } catch {
    return undefined // not Linux, or the process has ended
  }
}
