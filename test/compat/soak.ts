/**
 * A soak of checkpoints with real processes: `tsx test/compat/soak.ts [--seconds 60] [--seed 1] [--clients 6]
 * [--setting key=value]… [--front-removed]`.
 * Three servers with tiny log files and a checkpoint after a hundred writes. While clients write, each server in turn
 * is killed by SIGKILL and started again, and one in every turn loses its data folder and must be brought up again. At most
 * one is down at a time, so a quorum always exists. At the end the checker compares the history with all data of every
 * server, and the servers compare their digests; then all three are killed at once, and what they recover is compared again.
 * With --front-removed a server is emptied when the others no longer have the beginning of the log, so that the log alone
 * cannot bring it up. What the run has to reach is counted in writes and turns: a slow machine takes longer for it.
 */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type FinalState, type History, judge, judgeDigests, type Verdict } from './chaos/checker.ts'
import { prepareTree, readEverything } from './chaos/final-state.ts'
import { type SeededRandom, seededRandom } from './chaos/random.ts'
import { judgeCheckpoints, runWithServers } from './chaos/run-with-servers.ts'
import { answered, chaosPaths, newRecorder, pauseMs, type Recorder, runClients } from './chaos/workload.ts'
import { bodies, connectRaw, opcodes } from './raw-client.ts'
import { dataDirectory, fourLetterWord, type Servers } from './servers.ts'

const servingTimeoutMs = 60_000
const ids = [1, 2, 3]
/** Writes after which every server has digested at least one zxid that the others have too: twice the distance of digests. */
const closingWriteCount = 256
/** Acknowledged between two faults, so that each server makes checkpoints and fills files of its log in between. */
const writesBetweenFaults = 250
/** A server that still has the beginning of its log after this number of further writes does not remove it. */
const writesForFrontMax = 5000
/** A quorum serves all the time. The run fails if no write is acknowledged for longer than this. */
const silenceMsMax = 60_000
const pollMs = 50
/** Its name begins with the zxid of its first txn. */
const firstLogFile = /^0{15}1-/

const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    clients: { type: 'string', default: '6' },
    setting: { type: 'string', multiple: true, default: [] },
    'front-removed': { type: 'boolean', default: false },
  },
})

const settings: Readonly<Record<string, string>> = {
  snapCount: '100',
  txnLogSizeLimitInKb: '64',
  logRetentionSizeInKb: '0', // a file of the log goes as soon as three checkpoints have been made after it
  ...Object.fromEntries(flags.setting.map((line) => [line.split('=', 1)[0]!, line.slice(line.indexOf('=') + 1)])),
}

interface FaultCounts {
  turns: number // that are complete
  killed: number
  emptied: number
  emptiedBeyondLog: number // when no other server had the beginning of the log
}

async function soak(servers: Servers, directory: string): Promise<readonly Verdict[]> {
  await prepareTree(servers)
  const seed = Number(flags.seed)
  const recorder = newRecorder()
  const endMs = Date.now() + Number(flags.seconds) * 1000
  const counts: FaultCounts = { turns: 0, killed: 0, emptied: 0, emptiedBeyondLog: 0 }
  let isStopped = false
  // A slow machine needs longer for the first turn, without which the run proves nothing.
  const isOver = (): boolean => isStopped || (counts.turns > 0 && Date.now() >= endMs)
  const run: Run = { servers, directory, recorder, counts, isOver }
  const clients = runClients(Number(flags.clients), { ports: servers.clientPorts, seed, recorder, isOver })
  await failInTurn(run, seededRandom(seed)).finally(() => {
    isStopped = true // a server did not return: the clients end too
  })
  await clients
  const acknowledged = acknowledgedCount(recorder)
  const verdicts = await judgeServers(servers, recorder, 'after the writes')
  const logFileCounts = ids.map((id) => logFiles(directory, id).length)
  await Promise.all(ids.map((id) => servers.kill(id)))
  for (const id of ids) await servers.start(id)
  const recovered = await judgeServers(servers, recorder, 'after all were killed')
  console.log(
    `# seed ${seed}: ${counts.killed} killed, ${counts.emptied} of them emptied, ${counts.emptiedBeyondLog} when the others ` +
      `had no beginning of the log; ${acknowledged} writes acknowledged; longest time without an acknowledgement ${recorder.longestSilenceMs} ms; ` +
      `log files ${logFileCounts.join(', ')}`,
  )
  return [...verdicts, ...recovered, ...judgeRun(servers, counts, acknowledged)]
}

interface Run {
  readonly servers: Servers
  readonly directory: string
  readonly recorder: Recorder
  readonly counts: FaultCounts
  readonly isOver: () => boolean
}

/** Every server once in each turn, in an order of the seed; the next one only after the last one serves again. */
async function failInTurn(run: Run, random: SeededRandom): Promise<void> {
  const { servers, directory, recorder, counts, isOver } = run
  while (!isOver()) {
    const emptied = ids[random.below(ids.length)]!
    const first = random.below(ids.length)
    for (const offset of ids.keys()) {
      const writesBefore = acknowledgedCount(recorder)
      await pauseMs(random.between(500, 3000))
      await until(run, () => acknowledgedCount(recorder) >= writesBefore + writesBetweenFaults)
      if (isOver()) return
      const id = ids[(first + offset) % ids.length]!
      const others = ids.filter((other) => other !== id)
      const isBeyondLog = (): boolean => !others.some((other) => hasFirstLogFile(directory, other))
      if (id === emptied && flags['front-removed']) {
        const writesMax = acknowledgedCount(recorder) + writesForFrontMax
        await until(run, () => isBeyondLog() || acknowledgedCount(recorder) >= writesMax)
      }
      await servers.kill(id)
      counts.killed += 1
      if (id === emptied) {
        servers.empty(id)
        counts.emptied += 1
        if (isBeyondLog()) counts.emptiedBeyondLog += 1
      }
      await pauseMs(random.between(100, 2000)) // the others write on
      await servers.start(id)
      await servers.waitUntilServing(id, servingTimeoutMs)
    }
    counts.turns += 1
  }
}

/** The clients write on meanwhile. */
async function until({ recorder, isOver }: Run, isReached: () => boolean): Promise<void> {
  while (!isReached() && !isOver()) {
    const silenceMs = Date.now() - recorder.lastAckAtMs
    if (silenceMs > silenceMsMax) throw new Error(`no write was acknowledged for ${silenceMs} ms`)
    await pauseMs(pollMs)
  }
}

function acknowledgedCount({ values, counters }: Recorder): number {
  return [...values, ...counters].filter((write) => write.outcome === 'acknowledged').length
}

async function judgeServers(servers: Servers, history: History, when: string): Promise<readonly Verdict[]> {
  await servers.waitUntilAllServe(servingTimeoutMs)
  await writeUntilDigested(servers)
  const states: FinalState[] = []
  for (const [index, port] of servers.clientPorts.entries()) {
    states.push(await readEverything(`server ${index + 1}`, port))
  }
  const answers = new Map<string, string>()
  for (const [index, port] of servers.clientPorts.entries()) {
    answers.set(`server ${index + 1}`, await fourLetterWord(port, 'hash'))
  }
  return [...judge(history, states), judgeDigests(answers)].map((verdict) => ({
    ...verdict,
    title: `${verdict.title}, ${when}`,
  }))
}

async function writeUntilDigested(servers: Servers): Promise<void> {
  const session = await connectRaw({ port: servers.clientPorts[0]! })
  for (let i = 0; i < closingWriteCount; i++) {
    const { err } = await answered(session, opcodes.setData, bodies.setData(chaosPaths.root, Buffer.from(`${i}`), -1))
    if (err !== 0) throw new Error(`setData ${chaosPaths.root}: ${err}`)
  }
  await answered(session, opcodes.closeSession, Buffer.alloc(0))
}

function judgeRun(servers: Servers, counts: FaultCounts, acknowledged: number): readonly Verdict[] {
  const expect = (title: string, isMet: boolean, found: string): Verdict => ({
    title,
    violations: isMet ? [] : [`only ${found}`],
  })
  const faults = JSON.stringify(counts)
  const verdicts = [
    expect('every server was killed and one emptied', counts.turns > 0 && counts.emptied > 0, faults),
    expect(
      'writes were acknowledged while servers failed',
      acknowledged > ids.length * writesBetweenFaults,
      `${acknowledged}`,
    ),
    judgeCheckpoints(servers),
  ]
  if (!flags['front-removed']) return verdicts
  return [
    ...verdicts,
    expect('a server was emptied that the log alone could not bring up', counts.emptiedBeyondLog > 0, faults),
  ]
}

function hasFirstLogFile(directory: string, id: number): boolean {
  return logFiles(directory, id).some((name) => firstLogFile.test(name))
}

function logFiles(directory: string, id: number): readonly string[] {
  const folder = join(dataDirectory({ directory }, id), 'wal')
  return existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.log')) : []
}

process.exit(await runWithServers('soak', { target: 'zkts', classpath: '', settings }, soak))
