/** The frame of a run with faults: its servers, its folder, and the verdicts that it prints. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type Servers, type ServersOptions, startServers } from '../servers.ts'
import type { Verdict } from './checker.ts'

const violationsShown = 10
const servingTimeoutMs = 60_000

/**
 * Starts three servers, runs `judge` on them, and prints its verdicts and the totals. The folder stays if a verdict is bad.
 * Returns the exit code.
 */
export async function runWithServers(
  program: string,
  options: Pick<ServersOptions, 'target' | 'classpath' | 'settings'>,
  judge: (servers: Servers, directory: string) => Promise<readonly Verdict[]>,
): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), `zkts-${program}-`))
  const projectRoot = resolve(import.meta.dirname, '..', '..', '..')
  const servers = await startServers({ ...options, serverCount: 3, directory, projectRoot, tickTimeMs: 500 })
  let failed = 1
  try {
    await servers.waitUntilAllServe(servingTimeoutMs)
    failed = reportVerdicts(program, await judge(servers, directory))
  } catch (error) {
    console.log(`not ok ${program}: the run completes: ${error instanceof Error ? error.message : String(error)}`)
    console.log('0 passed, 1 failed')
  } finally {
    await servers.stopAll()
    if (failed === 0) rmSync(directory, { recursive: true, force: true })
    else console.log(`# data and logs are kept in ${directory}`)
  }
  return failed === 0 ? 0 : 1
}

/** What the run proves, it proves of servers that make checkpoints, remove the front of their logs, and start from both. */
export function judgeCheckpoints(servers: Servers): Verdict {
  const events = ['checkpoint-made', 'log-purged', 'checkpoint-loaded'] as const
  const missing = events.filter((event) => servers.loggedCount(event) === 0)
  return {
    title: 'servers made checkpoints, removed the front of a log, and started from checkpoints',
    violations: missing.map((event) => `no server has logged ${event}`),
  }
}

/** Prints one line for each verdict, `ok` or `not ok` with the program's name, and the totals. Returns how many failed. */
function reportVerdicts(program: string, verdicts: readonly Verdict[]): number {
  let failed = 0
  for (const { title, violations } of verdicts) {
    if (violations.length === 0) {
      console.log(`ok ${program}: ${title}`)
      continue
    }
    failed += 1
    console.log(
      `not ok ${program}: ${title}: ${violations.length} violations: ${violations.slice(0, violationsShown).join('; ')}`,
    )
  }
  console.log(`${verdicts.length - failed} passed, ${failed} failed`)
  return failed
}
