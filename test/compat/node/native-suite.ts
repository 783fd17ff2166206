/**
 * `zookeeper`, the Node client around the C library, against one server with TTL znodes (`extended`) or three (`ensemble`).
 * Usage: native-suite.ts <folder with the package> <part>
 */
import { type Check, eventually, expectEqual, expectTrue, runChecks } from '../checks.ts'
import { control, hosts, installed, once, part, proxy, root, servers, victims } from './environment.ts'

interface Stat {
  readonly version: number
  readonly cversion: number
  readonly aversion: number
  readonly dataLength: number
  readonly numChildren: number
  readonly ephemeralOwner: string
}

type OnWatch = (type: number, state: number, path: string) => void

interface Acl {
  readonly perms: number
  readonly scheme: string
  readonly auth: string
}

interface Client {
  readonly client_id: string
  readonly client_password: string
  readonly timeout: number
  readonly state: number
  connect(options: object, callback: (error: Error | null) => void): void
  on(event: 'close', listener: () => void): void
  close(): void
  create(path: string, data: string | Buffer, flags: number, ttl?: number): Promise<string>
  get(path: string, watch: boolean): Promise<[Stat, Buffer]>
  w_get(path: string, onWatch: OnWatch): Promise<[Stat, Buffer]>
  set(path: string, data: string | Buffer, version: number): Promise<Stat>
  exists(path: string, watch: boolean): Promise<Stat>
  w_exists(path: string, onWatch: OnWatch): Promise<Stat>
  get_children(path: string, watch: boolean): Promise<string[]>
  w_get_children(path: string, onWatch: OnWatch): Promise<string[]>
  get_children2(path: string, watch: boolean): Promise<[string[], Stat]>
  delete_(path: string, version: number): Promise<void>
  get_acl(path: string): Promise<[Acl[], Stat]>
  set_acl(path: string, version: number, acl: readonly Acl[]): Promise<unknown>
  add_auth(scheme: string, auth: string, callback: (code: number) => void): void
  sync(path: string): Promise<unknown>
  getconfig(watch: boolean): Promise<[Stat, Buffer]>
  reconfig(joining: string, leaving: string, members: string, version: number): Promise<unknown>
}

interface Package {
  new (): Client
  readonly constants: Readonly<Record<string, number>>
}

const ZooKeeper = installed('zookeeper') as Package
const { constants } = ZooKeeper
const anyone = (perms: number): readonly Acl[] => [{ perms, scheme: 'world', auth: 'anyone' }]
const reconfigDisabled = -123 // this client has no constant for it
const [ephemeral, sequence] = [constants['ZOO_EPHEMERAL']!, constants['ZOO_SEQUENCE']!]

async function open(
  connect: string = servers,
  timeout = 10_000,
  id?: { client_id: string; client_password: string },
): Promise<Client> {
  const client = new ZooKeeper()
  const options = {
    connect,
    timeout,
    debug_level: constants['ZOO_LOG_LEVEL_ERROR'],
    host_order_deterministic: false,
    ...id,
  }
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('not connected after 20 s')), 20_000)
    client.connect(options, (error) => {
      clearTimeout(timer)
      if (error) reject(error)
      else resolve()
    })
  })
  return client
}

/** The message of a refusal begins with its code. */
async function fails(name: string, work: Promise<unknown>, wanted = constants[name]): Promise<void> {
  const code = await work.then(
    () => 0,
    (error: Error) => Number.parseInt(error.message, 10),
  )
  expectEqual(code, wanted, name)
}

async function operations(): Promise<void> {
  const client = await open()
  expectEqual(await client.create(root, 'four', 0), root, 'path')
  const [stat, data] = await client.get(root, false)
  expectEqual([data.toString(), stat.version, stat.dataLength, stat.numChildren], ['four', 0, 4, 0], 'data and Stat')
  expectEqual((await client.set(root, 'longer', 0)).version, 1, 'version')
  await fails('ZBADVERSION', client.set(root, 'x', 7))
  await fails('ZNODEEXISTS', client.create(root, 'x', 0))
  await fails('ZNONODE', client.create(`${root}/no/child`, 'x', 0))
  await fails('ZNONODE', client.exists(`${root}/no`, false))
  await client.create(`${root}/child`, 'x', 0)
  await fails('ZNOTEMPTY', client.delete_(root, -1))
  const [names, parent] = await client.get_children2(root, false)
  expectEqual([names, parent.numChildren, parent.cversion], [['child'], 1, 1], 'children')
  await client.sync(root)
  await client.delete_(`${root}/child`, 0)
  expectEqual(await client.get_children(root, false), [], 'children after the removal')
  client.close()
}

async function createModes(): Promise<void> {
  const client = await open()
  const parent = await client.create(`${root}/modes`, '', 0)
  expectEqual(await client.create(`${parent}/s-`, '', sequence), `${parent}/s-0000000000`, 'sequential')
  const both = await client.create(`${parent}/s-`, '', sequence | ephemeral)
  expectEqual(both, `${parent}/s-0000000001`, 'both')
  await fails('ZNOCHILDRENFOREPHEMERALS', client.create(`${both}/child`, '', 0))
  await client.create(`${parent}/container`, '', constants['ZOO_CONTAINER']!)
  await client.create(`${parent}/container/child`, '', 0)
  await client.create(`${parent}/ttl`, '', constants['ZOO_PERSISTENT_WITH_TTL']!, 500)
  await client.delete_(`${parent}/container/child`, -1)
  await eventually(
    async () => (await client.get_children(parent, false)).length === 2,
    20_000,
    'the TTL znode and the empty container go',
  )
  client.close()
}

async function acls(): Promise<void> {
  const [owner, another] = [await open(), await open()]
  const code = await once<number>('authenticated', (listener) => owner.add_auth('digest', 'ivan:pw', listener))
  expectEqual(code, 0, 'code of add_auth')
  const path = await owner.create(`${root}/acl`, 'x', 0)
  await owner.set_acl(path, 0, [{ perms: 31, scheme: 'auth', auth: '' }])
  await fails('ZNOAUTH', another.get(path, false))
  await fails('ZNOAUTH', another.set_acl(path, -1, anyone(31)))
  const [list] = await owner.get_acl(path)
  expectEqual([list[0]!.scheme, list[0]!.auth.split(':')[0]], ['digest', 'ivan'], 'ACL')
  await owner.set_acl(path, 1, anyone(1))
  await another.get(path, false)
  await fails('ZNOAUTH', another.set(path, 'y', -1))
  owner.close()
  another.close()
}

async function watches(): Promise<void> {
  const client = await open()
  const path = `${root}/watched`
  const type = (what: string, watch: (onWatch: OnWatch) => Promise<unknown>): Promise<number> =>
    once(what, (listener: (type: number) => void) => void watch(listener).catch(() => undefined)) // exists of a missing znode rejects, and sets the watch
  const created = type('create', (onWatch) => client.w_exists(path, onWatch))
  await client.create(path, '', 0)
  expectEqual(await created, constants['ZOO_CREATED_EVENT'], 'event of create')
  const changed = type('set', (onWatch) => client.w_get(path, onWatch))
  await client.set(path, 'x', -1)
  expectEqual(await changed, constants['ZOO_CHANGED_EVENT'], 'event of set')
  const child = type('child', (onWatch) => client.w_get_children(path, onWatch))
  await client.create(`${path}/child`, '', 0)
  expectEqual(await child, constants['ZOO_CHILD_EVENT'], 'event of a child')
  await client.delete_(`${path}/child`, -1)
  const deleted = type('delete', (onWatch) => client.w_exists(path, onWatch))
  await client.delete_(path, -1)
  expectEqual(await deleted, constants['ZOO_DELETED_EVENT'], 'event of delete')
  client.close()
}

async function reconnect(): Promise<void> {
  const [client, other] = [await open(proxy), await open()]
  const path = await client.create(`${root}/away`, '', ephemeral)
  const session = client.client_id
  const event = once<number>('event', (listener) => {
    // The C library also notifies watchers of the lost connection.
    void client.w_get(path, (type) => type !== constants['ZOO_SESSION_EVENT'] && listener(type))
  })
  await client.sync(path)
  await control('block')
  await other.set(path, 'meanwhile', -1)
  await control('unblock')
  expectEqual(await event, constants['ZOO_CHANGED_EVENT'], 'event of the change while disconnected')
  await eventually(() => client.state === constants['ZOO_CONNECTED_STATE'], 20_000, 'connected again')
  expectEqual(client.client_id, session, 'session')
  expectEqual((await client.exists(path, false)).version, 1, 'version')
  client.close()
  other.close()
}

async function configuration(): Promise<void> {
  const client = await open()
  const [, text] = await client.getconfig(false)
  expectEqual((text ?? '').toString(), '', 'configuration of one server alone')
  await fails('ReconfigDisabled', client.reconfig('server.9=127.0.0.1:1:2;3', '', '', -1), reconfigDisabled)
  client.close()
}

async function killEach(): Promise<void> {
  await control('wait')
  const client = await open(servers, 15_000)
  await client.create(root, '', 0)
  const session = client.client_id
  await client.create(`${root}/keeper`, '', ephemeral)
  for (const victim of await victims()) {
    await control(`kill/${victim}`)
    const path = `${root}/killed-${victim}`
    const isMade = (): Promise<boolean> =>
      client.create(path, 'v', 0).then(
        () => true,
        (error: Error) => error.message.startsWith(`${constants['ZNODEEXISTS']} `), // an earlier attempt took effect
      )
    await eventually(isMade, 30_000, 'a write goes through')
    await control(`start/${victim}`)
    const returned = await open(hosts[victim - 1])
    await returned.sync(path)
    expectEqual((await returned.get(path, false))[1].toString(), 'v', 'data on the returned server')
    returned.close()
  }
  expectEqual(client.client_id, session, 'session')
  expectTrue((await client.exists(`${root}/keeper`, false)).version === 0, 'the ephemeral stays')
  client.close()
}

const extended: readonly Check[] = [
  { title: 'every operation gives the results and codes of ZooKeeper', run: operations },
  { title: 'create makes sequential and ephemeral znodes, containers and TTL znodes', run: createModes },
  { title: 'ACLs with digest protect a znode', run: acls },
  { title: 'watches report all four changes', run: watches },
  { title: 'watches and ephemerals survive a lost connection', run: reconnect },
  { title: 'the configuration can be read and not changed', run: configuration },
]
const ensemble: readonly Check[] = [
  {
    title: 'a client goes on when its server, each in turn and the leader too, dies by kill -9 and returns',
    run: killEach,
  },
]
process.exit(await runChecks(part === 'extended' ? extended : ensemble))
