/**
 * Facts about the machine for the report, since figures depend on the machine.
 */
import { execFileSync } from 'node:child_process'
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { cpus, loadavg, release, type as systemType, totalmem } from 'node:os'
import { join } from 'node:path'

const fileSystemNames: Readonly<Record<number, string>> = {
  61267: 'ext4',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  16914836: 'tmpfs',
  2035054128: 'overlayfs',
}

export function describeMachine(dataDir: string): readonly string[] {
  const cores = cpus()
  return [
    `CPU: ${cores.length} × ${cores[0]?.model ?? 'unknown'}`,
    `Memory: ${Math.round(totalmem() / 2 ** 30)} GiB`,
    `Kernel: ${systemType()} ${release()}`,
    `Disk: ${describeDisk(dataDir)}`,
    `Node.js: ${process.version}`,
    `Java: ${javaVersion()}`,
    // Other work on the machine makes the figures unreliable; the load average shows it.
    `Load average over the minute before: ${loadavg()[0]?.toFixed(2)}`,
  ]
}

function describeDisk(dataDir: string): string {
  const kind = statfsSync(dataDir).type
  const name = fileSystemNames[kind] ?? `file system 0x${kind.toString(16)}`
  return `${name}, ${flushMedianUs(dataDir)} µs for a write of 512 bytes and its fdatasync (median of 200)`
}

/** The cost of durability on this disk: the lower bound of a write with one request in flight. */
function flushMedianUs(dataDir: string): number {
  const dir = mkdtempSync(join(dataDir, 'zkts-bench-disk-'))
  try {
    const file = openSync(join(dir, 'probe'), 'w')
    const block = Buffer.alloc(512, 1)
    writeSync(file, Buffer.alloc(2 ** 20), 0, 2 ** 20, 0)
    fdatasyncSync(file)
    const samples = Array.from({ length: 200 }, (_, index) => {
      const startedAtMs = performance.now()
      writeSync(file, block, 0, block.length, index * block.length)
      fdatasyncSync(file)
      return performance.now() - startedAtMs
    })
    closeSync(file)
    return Math.round(1000 * samples.sort((a, b) => a - b)[100]!)
  } finally {
    rmSync(dir, { recursive: true })
  }
}

function javaVersion(): string {
  try {
    return execFileSync('java', ['--version'], { encoding: 'utf8' }).split('\n')[1]?.trim() ?? 'unknown'
  } catch {
    return 'none'
  }
}
