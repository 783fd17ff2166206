/**
 * CPU time and resident memory of a process by pid, from /proc.
 * Assumes: Linux with 100 clock ticks a second, as the kernel shows them on every platform that Node runs on. On other
 * systems the result is undefined and the report says so.
 */
import { readFileSync } from 'node:fs'

export interface ProcessUsage {
  readonly cpuMs: number // user and system, all threads
  readonly rssBytes: number
}

const clockTickMs = 10
const pageSizeBytes = 4096

export function readProcessUsage(pid: number): ProcessUsage | undefined {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return undefined // not Linux, or the process has ended
  }
  // The second field is the program's name in parentheses and may contain blanks; count from its end.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const userTicks = Number(fields[11])
  const systemTicks = Number(fields[12])
  return { cpuMs: (userTicks + systemTicks) * clockTickMs, rssBytes: Number(fields[21]) * pageSizeBytes }
}
