/**
 * Stock clients hold their sessions while servers are stopped, killed and started again: kazoo, the Java client, the Go client
 * and the C client at the same time, each with an ephemeral, a lock, a watch and pipelines of 100 writes.
 * The clients are programs in their languages (`holder.*`), which do what they are asked on their input:
 *   open <servers> <path>   opens the session, and makes what it holds
 *   pipeline                writes 100 times without waiting for answers, repeats what was reported as lost, and demands that each
 *                           write is done once. Answers how many were lost
 *   inspect                 demands the last write, the session, the ephemeral and the lock, and one event for one change. Answers how often the
 *                           connection was lost
 *   close
 * The commands of the programs are the first argument: a JSON object, by name.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface, type Interface } from 'node:readline'
import { type Check, eventually, expectEqual, expectTrue, runChecks } from '../checks.ts'
import { bodies, connectRaw, opcodes } from '../raw-client.ts'
import { fourLetterWord } from '../servers.ts'

const servers = process.env['ZK_SERVERS']!.split(',')
const ports = servers.map((server) => Number(server.split(':')[1]))
const root = process.env['ZK_ROOT']!
const commands = JSON.parse(process.argv[2]!) as Readonly<Record<string, readonly string[]>>

const killCount = 20
const killsInOneCheck = 5
const leaderTimeoutMs = 20_000
/** The server of the clients while leaders are killed. It is never killed, and so does not lead. */
const survivor = 1

/** One client program. */
class Holder {
  readonly name: string
  readonly #child: ChildProcess
  readonly #answers: AsyncIterator<string>
  lostWriteCount = 0

  constructor(name: string, [program, ...args]: readonly string[]) {
    this.name = name
    this.#child = spawn(program!, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    const lines: Interface = createInterface({ input: this.#child.stdout! })
    this.#answers = lines[Symbol.asyncIterator]()
  }

  async ask(command: string): Promise<number> {
    this.#child.stdin!.write(`${command}\n`)
    const { value, done } = await this.#answers.next()
    const ok = /^ok (\d+)$/.exec(done === true ? 'it has ended' : value)
    if (ok === null) throw new Error(`${this.name}: ${command}: ${done === true ? 'the program has ended' : value}`)
    return Number(ok[1])
  }

  async writeUntil(isOver: () => boolean): Promise<void> {
    do this.lostWriteCount += await this.ask('pipeline')
    while (!isOver())
  }

  end(): void {
    this.#child.kill('SIGKILL')
  }
}

async function control(verb: string): Promise<string> {
  const answer = await fetch(`http://${process.env['ZK_CONTROL']}/${verb}`)
  const text = (await answer.text()).trim()
  if (!answer.ok) throw new Error(`${verb}: ${text}`)
  return text
}

/** Null: none at this moment. */
async function leaderNow(): Promise<number | null> {
  return control('leader').then(Number, () => null)
}

/** The leader, when `isFine` accepts it. */
async function leaderThat(isFine: (leader: number) => boolean, what: string): Promise<number> {
  let leader: number | null = null
  const isThere = async (): Promise<boolean> => {
    leader = await leaderNow()
    return leader !== null && isFine(leader)
  }
  await eventually(isThere, leaderTimeoutMs, what)
  return leader!
}

async function open(where: string, path: string): Promise<readonly Holder[]> {
  const holders = Object.entries(commands).map(([name, command]) => new Holder(name, command))
  process.once('exit', () => {
    for (const holder of holders) holder.end()
  })
  await Promise.all(holders.map((holder) => holder.ask(`open ${where} ${path}-${holder.name}`)))
  return holders
}

async function whileAllWrite(holders: readonly Holder[], action: () => Promise<void>): Promise<void> {
  let isOver = false
  const writing = Promise.all(holders.map((holder) => holder.writeUntil(() => isOver)))
  try {
    await Promise.race([action(), writing]) // a client that fails ends the wait for the servers
  } finally {
    isOver = true
  }
  await writing
}

/** The numbers of lost connections, by client. */
async function inspectAll(holders: readonly Holder[]): Promise<Readonly<Record<string, number>>> {
  const counts = await Promise.all(holders.map(async (holder) => [holder.name, await holder.ask('inspect')] as const))
  return Object.fromEntries(counts)
}

async function killLeader(holders: readonly Holder[]): Promise<void> {
  await control('wait')
  let leader = await leaderThat(() => true, 'a server leads')
  if (leader === survivor) {
    const successor = 2
    await fourLetterWord(ports[successor - 1]!, 'rqld')
    leader = await leaderThat((id) => id !== survivor, `server ${survivor} hands over`)
  }
  const victim = leader
  await whileAllWrite(holders, async () => {
    await control(`kill/${victim}`)
    await leaderThat((id) => id !== victim, 'another server leads')
  })
  const undisturbed = Object.fromEntries(holders.map(({ name }) => [name, 0]))
  expectEqual(await inspectAll(holders), undisturbed, 'lost connections')
  await control(`start/${victim}`)
}

function killChecks(): readonly Check[] {
  let holders: readonly Holder[] = []
  const checks: Check[] = []
  for (let first = 1; first <= killCount; first += killsInOneCheck) {
    const last = first + killsInOneCheck - 1
    checks.push({
      title: `clients of a server that survives keep connection, session, lock and watch through kills ${first} to ${last} of the leader, and each write is done once`,
      async run() {
        if (first === 1) holders = await open(servers[survivor - 1]!, `${root}/kills`)
        for (let i = first; i <= last; i++) await killLeader(holders)
        if (last === killCount) await Promise.all(holders.map((holder) => holder.ask('close')))
        expectEqual(sumOf(holders), 0, 'writes that were reported as lost')
      },
    })
  }
  return checks
}

function sumOf(holders: readonly Holder[]): number {
  return holders.reduce((sum, { lostWriteCount }) => sum + lostWriteCount, 0)
}

const rollingCheck: Check = {
  title:
    'clients of three servers keep session, lock and watch while each server in turn is stopped by SIGTERM and starts again; what is reported as lost was not done',
  async run() {
    await control('wait')
    const holders = await open(servers.join(','), `${root}/rolling`)
    for (const id of ports.map((_, index) => index + 1)) {
      await whileAllWrite(holders, async () => {
        await control(`stop/${id}`)
        await control(`start/${id}`)
        await control('wait')
      })
      await inspectAll(holders)
    }
    // A server that ends its connections is what the check is about.
    const lost = await inspectAll(holders)
    for (const { name } of holders) expectTrue(lost[name]! > 0, `${name} has moved to another server`)
    await Promise.all(holders.map((holder) => holder.ask('close')))
    console.log(`# lost connections ${JSON.stringify(lost)}, writes reported as lost ${sumOf(holders)}`)
  },
}

/** It closes the connections of all clients, and carries out writes that clients see as lost. */
const apache: Check = { title: 'nothing is demanded of Apache ZooKeeper', run: async () => {} }

async function prepareRoot(): Promise<void> {
  const session = await connectRaw({ port: ports[0]! })
  expectEqual((await session.request(1, opcodes.create, bodies.create(root, null, 0))).err, 0, 'create of the root')
  await session.request(2, opcodes.closeSession)
}

const isApache = process.env['ZK_TARGET'] === 'zookeeper'
if (!isApache) await prepareRoot()
process.exit(await runChecks(isApache ? [apache] : [...killChecks(), rollingCheck]))
