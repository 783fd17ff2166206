/** The verdict over backups, on files and histories of which some are wrong. */
import { expect, test } from 'vitest'
import { backedUp, backupPath, fileOf } from '../backup/backup-rig.ts'
import { ExpectedState } from '../checkpoint/keeper-rig.ts'
import type { HistoryTxn } from '../tree/random-history.ts'
import { type FileToJudge, type JudgedHistory, judgeBackups } from './backup-verdict.ts'
import { SimRandom } from './sim-random.ts'

const made = await backedUp(4, { txnCount: 40, checkpointAt: 9, ends: [24, 39] })
const first = await fileOf(made.pieces.slice(0, made.pieces.findIndex(({ kind }) => kind === 'end') + 1))
const both = await fileOf(made.pieces)
const named = (bytes: Uint8Array, wholeSizeBytes: number | null = null): FileToJudge => ({
  path: backupPath,
  bytes,
  isNamed: true,
  wholeSizeBytes,
})

/** What the judge says, if this was the history. */
async function verdict(file: FileToJudge, history: readonly HistoryTxn[] = made.history): Promise<string> {
  const expected = new ExpectedState(history)
  const txns = history.map((txn) => ({ zxid: txn.zxid, txn, digest: expected.at(txn.zxid).tree.digest() }))
  const reports: string[] = []
  const judged: JudgedHistory = {
    history: { txns, at: (zxid) => txns.find((txn) => txn.zxid === zxid) ?? null },
    random: new SimRandom(1),
    report: (text) => void reports.push(text),
  }
  await judgeBackups([file], judged)
  return reports.join()
}

test('a backup of the history is accepted, and so is one that was continued', async () => {
  expect(await verdict(named(first, first.length))).toBe('')
  expect(await verdict(named(both, both.length))).toBe('')
})

test('a file that an interruption left is accepted if it does not have the name of a backup', async () => {
  const torn = first.subarray(0, first.length - 5)
  expect(await verdict({ ...named(torn), path: `${backupPath}.unfinished`, isNamed: false })).toBe('')
  expect(await verdict(named(torn))).toContain('the file is cut')
})

test('a continuation that was interrupted keeps what was whole before', async () => {
  expect(await verdict(named(both.subarray(0, both.length - 5), first.length))).toBe('')
  expect(await verdict(named(both.subarray(0, both.length - 5)))).toContain('bytes of it are whole')
  expect(await verdict(named(first.subarray(0, first.length - 5), first.length))).toContain('the file is cut')
})

test('a backup of another history is refused', async () => {
  const other = made.history.map((txn, i) =>
    i === 20 ? { ...txn, changes: [{ kind: 'check', path: '/' }] as const } : txn,
  )
  expect(await verdict(named(both), other)).toContain('its digest is')
})

test('a backup without a txn that the servers have is refused, and one with a txn that none has', async () => {
  expect(await verdict(named(both), made.history.slice(0, 30))).toContain('no server applied this txn')
})

test('a backup with a session that the history does not have is refused', async () => {
  const without = made.history.map((txn) => ({
    ...txn,
    changes: txn.changes.map((change) =>
      change.kind === 'create-session' ? { ...change, timeoutMs: change.timeoutMs + 1 } : change,
    ),
  }))
  expect(await verdict(named(both), without)).toContain('has the timeout')
})
