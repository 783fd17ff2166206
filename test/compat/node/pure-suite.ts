/**
 * `node-zookeeper-client`, the client in pure JavaScript, against one server (`single`) or three (`ensemble`).
 * Usage: pure-suite.ts <folder with the package> <part>
 */
import { type Check, eventually, expectEqual, expectTrue, runChecks } from '../checks.ts'
import { control, hosts, installed, once, part, proxy, root, servers, victims } from './environment.ts'

interface Stat {
  readonly version: number
  readonly cversion: number
  readonly aversion: number
  readonly dataLength: number
  readonly numChildren: number
  readonly ephemeralOwner: Buffer
  readonly czxid: Buffer
  readonly mzxid: Buffer
}

interface WatchedEvent {
  readonly type: number
  readonly path: string
}

interface Failure extends Error {
  getCode(): number
}

interface Transaction {
  create(path: string, data?: Buffer | null, acls?: unknown, mode?: number): Transaction
  check(path: string, version: number): Transaction
  setData(path: string, data: Buffer, version: number): Transaction
  remove(path: string, version?: number): Transaction
  commit(callback: (error: Failure | null, results: readonly { readonly type: number; err?: number }[]) => void): void
}

interface Client {
  once(event: 'connected' | 'disconnected' | 'expired', listener: () => void): void
  connect(): void
  close(): void
  addAuthInfo(scheme: string, auth: Buffer): void
  getSessionId(): Buffer
  getSessionTimeout(): number
  transaction(): Transaction
}

interface Package {
  createClient(servers: string, options: { sessionTimeout: number; spinDelay?: number; retries?: number }): Client
  readonly CreateMode: Readonly<Record<string, number>>
  readonly Exception: Readonly<Record<string, number>>
  readonly Event: Readonly<Record<string, number>>
  readonly ACL: {
    readonly OPEN_ACL_UNSAFE: unknown
    readonly CREATOR_ALL_ACL: unknown
    readonly READ_ACL_UNSAFE: unknown
  }
}

const { createClient, CreateMode, Exception, Event, ACL } = installed('node-zookeeper-client') as Package

async function open(connectString: string = servers, sessionTimeout = 10_000): Promise<Client> {
  const client = createClient(connectString, { sessionTimeout, spinDelay: 50, retries: 3 })
  const connected = once<void>('connected', (listener) => client.once('connected', listener))
  client.connect()
  await connected
  return client
}

/** Every operation of this client takes a callback with an error and the results. */
function ask<T>(client: Client, method: string, ...args: readonly unknown[]): Promise<T> {
  return new Promise((resolve, reject) => {
    const call = (client as unknown as Record<string, (...all: unknown[]) => void>)[method]!
    call.call(client, ...args, (error: Failure | null, ...answer: unknown[]) => {
      if (error) reject(error)
      else resolve((answer.length > 1 ? answer : answer[0]) as T)
    })
  })
}

async function fails(name: string, work: Promise<unknown>): Promise<void> {
  const code = await work.then(
    () => 0,
    (error: Failure) => error.getCode(),
  )
  expectEqual(code, Exception[name], name)
}

const make = (client: Client, path: string, text = '', mode = CreateMode['PERSISTENT']): Promise<string> =>
  ask(client, 'create', path, Buffer.from(text), mode)

function watched(
  client: Client,
  method: string,
  path: string,
): { readonly event: Promise<WatchedEvent>; readonly asked: Promise<unknown> } {
  let asked: Promise<unknown> = Promise.resolve()
  const event = once<WatchedEvent>(`event of ${method}`, (listener) => {
    asked = ask(client, method, path, listener)
  })
  return { event, asked }
}

async function operations(): Promise<void> {
  const client = await open()
  expectEqual(await make(client, root, 'four'), root, 'path')
  const [data, stat] = await ask<[Buffer, Stat]>(client, 'getData', root)
  expectEqual(data.toString(), 'four', 'data')
  expectEqual([stat.version, stat.cversion, stat.aversion, stat.dataLength, stat.numChildren], [0, 0, 0, 4, 0], 'Stat')
  expectTrue(stat.czxid.equals(stat.mzxid), 'zxids of a new znode are equal')
  const written = await ask<Stat>(client, 'setData', root, Buffer.from('longer'), 0)
  expectEqual([written.version, written.dataLength], [1, 6], 'Stat of setData')
  await fails('BAD_VERSION', ask(client, 'setData', root, Buffer.from('x'), 7))
  await fails('NODE_EXISTS', make(client, root))
  await fails('NO_NODE', make(client, `${root}/no/child`))
  expectEqual(await ask(client, 'exists', `${root}/no`), null, 'exists of nothing')
  await ask(client, 'mkdirp', `${root}/deep/er/est`)
  await fails('NOT_EMPTY', ask(client, 'remove', `${root}/deep`))
  const [names, parent] = await ask<[string[], Stat]>(client, 'getChildren', root)
  expectEqual([names, parent.numChildren], [['deep'], 1], 'children')
  await ask(client, 'removeRecursive', `${root}/deep/er`) // this client deletes only one level of children
  await ask(client, 'remove', `${root}/deep`)
  expectEqual(await ask(client, 'exists', `${root}/deep`), null, 'exists after the removal')
  client.close()
}

async function createModes(): Promise<void> {
  const client = await open()
  const parent = await make(client, `${root}/modes`)
  await make(client, `${parent}/e`, '', CreateMode['EPHEMERAL'])
  expectEqual(
    await make(client, `${parent}/s-`, '', CreateMode['PERSISTENT_SEQUENTIAL']),
    `${parent}/s-0000000001`,
    'sequential',
  )
  const both = await make(client, `${parent}/s-`, '', CreateMode['EPHEMERAL_SEQUENTIAL'])
  expectEqual(both, `${parent}/s-0000000002`, 'both')
  const stat = await ask<Stat>(client, 'exists', both)
  expectTrue(stat.ephemeralOwner.equals(client.getSessionId()), 'the owner is the session')
  await fails('NO_CHILDREN_FOR_EPHEMERALS', make(client, `${both}/child`))
  const other = await open()
  client.close()
  await eventually(
    async () => (await ask<[string[]]>(other, 'getChildren', parent))[0].length === 1,
    10_000,
    'ephemerals go with the session',
  )
  other.close()
}

async function acls(): Promise<void> {
  const [owner, another] = [await open(), await open()]
  owner.addAuthInfo('digest', Buffer.from('hana:pw'))
  const path = `${root}/acl`
  await ask(owner, 'create', path, Buffer.from('x'), ACL.CREATOR_ALL_ACL)
  await fails('NO_AUTH', ask(another, 'getData', path))
  await fails('INVALID_ACL', ask(another, 'create', `${root}/orphan`, Buffer.from('x'), ACL.CREATOR_ALL_ACL))
  const [list] = await ask<
    [{ readonly permission: number; readonly id: { readonly scheme: string; readonly id: string } }[]]
  >(owner, 'getACL', path)
  expectEqual([list[0]!.permission, list[0]!.id.scheme, list[0]!.id.id.split(':')[0]], [31, 'digest', 'hana'], 'ACL')
  const stat = await ask<Stat>(owner, 'setACL', path, ACL.READ_ACL_UNSAFE, 0)
  expectEqual(stat.aversion, 1, 'aversion')
  await ask(another, 'getData', path)
  owner.close()
  another.close()
}

async function transactions(): Promise<void> {
  const client = await open()
  const path = await make(client, `${root}/tx`)
  const commit = (transaction: Transaction): Promise<readonly unknown[]> =>
    new Promise((resolve, reject) => {
      transaction.commit((error, results) => {
        if (error) reject(Object.assign(error, { results }))
        else resolve(results)
      })
    })
  const results = await commit(
    client
      .transaction()
      .create(`${path}/a`, Buffer.from('1'))
      .check(path, 0)
      .setData(path, Buffer.from('22'), 0)
      .create(`${path}/e-`, null, ACL.OPEN_ACL_UNSAFE, CreateMode['EPHEMERAL_SEQUENTIAL'])
      .remove(`${path}/a`),
  )
  expectEqual(results.length, 5, 'results')
  await fails('BAD_VERSION', commit(client.transaction().create(`${path}/b`).check(path, 9).remove(path, -1)))
  const [names] = await ask<[string[]]>(client, 'getChildren', path)
  expectEqual(names, ['e-0000000001'], 'children')
  client.close()
}

async function watches(): Promise<void> {
  const client = await open()
  const path = `${root}/watched`
  const created = watched(client, 'exists', path)
  await created.asked
  await make(client, path)
  expectEqual((await created.event).type, Event['NODE_CREATED'], 'event of create')
  const changed = watched(client, 'getData', path)
  await ask(client, 'setData', path, Buffer.from('x'))
  expectEqual((await changed.event).type, Event['NODE_DATA_CHANGED'], 'event of setData')
  const child = watched(client, 'getChildren', path)
  await make(client, `${path}/child`)
  expectEqual((await child.event).type, Event['NODE_CHILDREN_CHANGED'], 'event of a child')
  await ask(client, 'remove', `${path}/child`)
  const deleted = watched(client, 'exists', path)
  await ask(client, 'remove', path)
  const { type, path: about } = await deleted.event
  expectEqual([type, about], [Event['NODE_DELETED'], path], 'event of remove')
  client.close()
}

async function reconnect(): Promise<void> {
  const [client, other] = [await open(proxy), await open()]
  const [changed, kept] = [
    await make(client, `${root}/changed`, '', CreateMode['EPHEMERAL']),
    await make(client, `${root}/kept`),
  ]
  const changedEvent = watched(client, 'getData', changed)
  const keptEvent = watched(client, 'getData', kept)
  await Promise.all([changedEvent.asked, keptEvent.asked])
  const session = client.getSessionId()
  const lost = once<void>('disconnected', (listener) => client.once('disconnected', listener))
  await control('block')
  await lost
  await ask(other, 'setData', changed, Buffer.from('meanwhile'))
  await control('unblock')
  expectEqual((await changedEvent.event).type, Event['NODE_DATA_CHANGED'], 'event of the change while disconnected')
  await ask(other, 'setData', kept, Buffer.from('later'))
  expectEqual((await keptEvent.event).type, Event['NODE_DATA_CHANGED'], 'event of a later change')
  expectTrue(client.getSessionId().equals(session), 'the session stays')
  client.close()
  other.close()
}

async function expiry(): Promise<void> {
  const [client, other] = [await open(proxy, 2000), await open()]
  expectEqual(client.getSessionTimeout(), 2000, 'negotiated timeout')
  const path = await make(client, `${root}/expiring`, '', CreateMode['EPHEMERAL'])
  const expired = once<void>('expired', (listener) => client.once('expired', listener))
  await control('block')
  await eventually(async () => (await ask(other, 'exists', path)) === null, 20_000, 'the ephemeral goes')
  await control('unblock')
  await expired
  client.close()
  other.close()
}

async function chroot(): Promise<void> {
  const client = await open(`${hosts[0]}${root}`)
  await make(client, '/inside', 'x')
  const other = await open()
  expectEqual((await ask<[Buffer]>(other, 'getData', `${root}/inside`))[0].toString(), 'x', 'data')
  client.close()
  other.close()
}

async function killEach(): Promise<void> {
  await control('wait')
  const client = await open(servers, 15_000)
  await make(client, root)
  const session = client.getSessionId()
  await make(client, `${root}/keeper`, '', CreateMode['EPHEMERAL'])
  for (const victim of await victims()) {
    await control(`kill/${victim}`)
    const path = `${root}/killed-${victim}`
    const isMade = (): Promise<boolean> =>
      make(client, path, 'v').then(
        () => true,
        (error: Failure) => error.getCode() === Exception['NODE_EXISTS'], // an earlier attempt took effect
      )
    await eventually(isMade, 30_000, 'a write goes through')
    await control(`start/${victim}`)
    const returned = await open(hosts[victim - 1])
    await eventually(async () => (await ask(returned, 'exists', path)) !== null, 10_000, 'it is on the returned server')
    returned.close()
  }
  expectTrue(client.getSessionId().equals(session), 'the session stays')
  expectTrue(
    (await ask<Stat>(client, 'exists', `${root}/keeper`)).ephemeralOwner.equals(session),
    'the ephemeral stays',
  )
  client.close()
}

const single: readonly Check[] = [
  { title: 'every operation gives the results and errors of ZooKeeper', run: operations },
  { title: 'create makes znodes in all four modes', run: createModes },
  { title: 'ACLs with digest protect a znode', run: acls },
  { title: 'transactions commit as a whole or not at all', run: transactions },
  { title: 'watches report all four changes', run: watches },
  { title: 'watches and ephemerals survive a lost connection', run: reconnect },
  { title: 'a session cut off for longer than its timeout is expired', run: expiry },
  { title: 'paths are below the chroot', run: chroot },
]
const ensemble: readonly Check[] = [
  {
    title: 'a client goes on when its server, each in turn and the leader too, dies by kill -9 and returns',
    run: killEach,
  },
]
process.exit(await runChecks(part === 'single' ? single : ensemble))
