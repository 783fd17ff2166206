import { describe, expect, it } from 'vitest'
import { CliRig } from './cli-rig.ts'

const anyStat = {
  czxid: expect.stringMatching(/^0x/) as string,
  numChildren: expect.any(Number) as number,
}

describe('a command of the shell', () => {
  it.each<[string, readonly string[], string]>([
    ['ls shows sorted names', ['create /b', 'create /a', 'ls /'], 'Created /b\nCreated /a\n[a, b, zookeeper]\n'],
    [
      'ls -R shows all children of a znode before their children',
      ['create /a', 'create /a/y', 'create /a/x', 'create /a/x/1', 'ls -R /a'],
      `${created('/a', '/a/y', '/a/x', '/a/x/1')}/a\n/a/x\n/a/y\n/a/x/1\n`,
    ],
    ['get shows null for a znode without data', ['create /a', 'get /a'], 'Created /a\nnull\n'],
    ['get -b shows base64', ['create /a hello', 'get -b /a'], 'Created /a\naGVsbG8=\n'],
    ['set -b takes base64', ['create /a', 'set -b /a aGk=', 'get /a'], 'Created /a\nhi\n'],
    [
      'set -v changes the data if it has the given version',
      ['create /a', 'set -v 0 /a hi', 'get /a'],
      'Created /a\nhi\n',
    ],
    ['create -s numbers names', ['create -s /a-', 'create -s -e /a-'], created('/a-0000000000', '/a-0000000001')],
    ['create -t makes a znode with a time to live', ['create -t 60000 -s /a'], created('/a0000000000')],
    ['create -c makes a container', ['create -c /a', 'ls /a'], 'Created /a\n[]\n'],
    [
      'create takes an ACL',
      ['create /a x world:anyone:r,ip:10.0.0.0/8:cdrwa', 'getAcl /a'],
      "Created /a\n'world,'anyone\n: r\n'ip,'10.0.0.0/8\n: cdrwa\n",
    ],
    [
      'setAcl replaces the ACL, and with -R the ACLs below too',
      ['create /a', 'create /a/b', 'setAcl -R /a world:anyone:cra', 'getAcl /a/b'],
      "Created /a\nCreated /a/b\n'world,'anyone\n: cra\n",
    ],
    [
      'delete and deleteall remove znodes',
      ['create /a', 'create /a/b', 'create /a/b/c', 'create /d', 'delete -v 0 /d', 'deleteall -b 2 /a', 'ls /'],
      `${created('/a', '/a/b', '/a/b/c', '/d')}[zookeeper]\n`,
    ],
    ['sync prints that it is done', ['sync /'], 'Sync is OK\n'],
    [
      'getAllChildrenNumber counts the znodes below the path',
      ['create /a', 'create /a/b', 'create /a/b/c', 'getAllChildrenNumber /a'],
      `${created('/a', '/a/b', '/a/b/c')}2\n`,
    ],
    [
      'getEphemerals shows the ephemerals of the session',
      ['create -e /b', 'create -e /a', 'create /c', 'getEphemerals', 'getEphemerals /b'],
      `${created('/b', '/a', '/c')}[/a, /b]\n[/b]\n`,
    ],
    [
      'whoami shows the identity that addauth has added',
      ['addauth digest erin:pw', 'whoami'],
      'Auth scheme: User\nip: 10.0.1.1\ndigest: erin\n',
    ],
    [
      'listquota shows limits and usage',
      ['create /a xyz', 'setquota -n 5 -B 9 /a', 'listquota /a', 'delquota -n /a', 'listquota /a'],
      'Created /a\n' +
        'Output quota for /a count=5,bytes=-1=;byteHardLimit=9;countHardLimit=-1\nOutput stat for /a count=1,bytes=3\n' +
        'Output quota for /a count=-1,bytes=-1=;byteHardLimit=9;countHardLimit=-1\nOutput stat for /a count=1,bytes=3\n',
    ],
    ['version shows the version', ['version'], 'ZooKeeper CLI version: zkts-9.9.9\n'],
  ])('%s', async (_title, lines, wanted) => {
    const rig = await CliRig.started()
    expect(await rig.shell(lines)).toEqual({ out: wanted, err: '', status: 0 })
  })

  it('get -x prints 16 bytes on each line', async () => {
    const rig = await CliRig.started()
    const { out } = await rig.shell(['create /a "0123456789abcdef\x01z"', 'get -x /a'])
    expect(out.split('\n')).toEqual([
      'Created /a',
      '         +-------------------------------------------------+',
      '         |  0  1  2  3  4  5  6  7  8  9  a  b  c  d  e  f |',
      '+--------+-------------------------------------------------+----------------+',
      '|00000000| 30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66 |0123456789abcdef|',
      '|00000010| 01 7a                                           |.z              |',
      '+--------+-------------------------------------------------+----------------+',
      '',
    ])
  })

  it('that sets a quota below the usage prints a warning', async () => {
    const rig = await CliRig.started()
    const { err, status } = await rig.shell(['create /a xyz', 'create /a/b', 'setquota -n 1 -b 2 /a'])
    expect([err, status]).toEqual([
      '[Warning]: the count quota you create is less than the existing count:2\n' +
        '[Warning]: the bytes quota you create is less than the existing bytes:3\n',
      0,
    ])
  })

  it('shows a stat with -s', async () => {
    const rig = await CliRig.started()
    const { out } = await rig.shell([
      'create /a',
      'ls -s /a',
      'get -s /a',
      'set -s /a b',
      'getAcl -s /a',
      'setAcl -s /a world:anyone:cdrwa',
    ])
    expect(out.match(/^aclVersion = \d$/gm)).toEqual(['0', '0', '0', '0', '1'].map((each) => `aclVersion = ${each}`))
  })
})

describe('a watch in the shell', () => {
  it('prints an event once if it is set twice, and nothing after its removal', async () => {
    const rig = await CliRig.started()
    const { out } = await rig.shell([
      'create /a',
      'get -w /a',
      'get -w /a',
      'addWatch -m PERSISTENT /a',
      'addWatch /a',
      'stat -w /b',
      'set /a x',
      'removewatches /a -p',
      'removewatches /a -r',
      'create /b',
      'get -w /a',
      'removewatches /a -d',
      'set /a y',
    ])
    expect(out.match(/^watch: \S+ \S+/gm)).toEqual(['watch: /a data-changed', 'watch: /b created'])
  })

  it('that is recursive prints events of the subtree until printwatches is off', async () => {
    const rig = await CliRig.started()
    const { out } = await rig.shell([
      'addWatch /a',
      'addWatch -m persistent /p',
      'create /a',
      'create /a/b',
      'create /p',
      'create /p/q',
      'printwatches',
      'printwatches off',
      'printwatches',
      'delete /a/b',
    ])
    expect(out.match(/^(watch: \S+ \S+|printwatches.*)/gm)).toEqual([
      'watch: /a created',
      'watch: /a/b created',
      'watch: /p created',
      'watch: /p children-changed',
      'printwatches is on',
      'printwatches is off',
    ])
  })
})

describe('a command on the command line', () => {
  it('prints one object with --json, with all digits of 64-bit numbers', async () => {
    const rig = await CliRig.started()
    await rig.run('create', '/a', 'x')
    await rig.run('setquota', '-n', '9007199254740993', '/a')
    const json = async (...argv: readonly string[]): Promise<unknown> =>
      JSON.parse((await rig.run('--json', ...argv)).out) as unknown
    expect(await json('ls', '-R', '/a')).toEqual({ path: '/a', paths: ['/a'] })
    expect(await json('getAcl', '/a')).toMatchObject({
      acl: [{ scheme: 'world', id: 'anyone', permissions: 'cdrwa' }],
      stat: anyStat,
    })
    expect(await json('listquota', '/a')).toEqual({
      path: '/a',
      limits: { count: '9007199254740993', bytes: null, countHard: null, bytesHard: null },
      usage: { count: '1', bytes: '1' },
    })
    expect(await json('whoami')).toEqual({ identities: [{ scheme: 'ip', user: '10.0.1.1' }] })
    expect(await json('deleteall', '/a')).toEqual({ path: '/a', deletedCount: 1 })
  })

  it('authenticates with --auth, before the command and after it', async () => {
    const rig = await CliRig.started()
    const { out } = await rig.run('--auth', 'digest:erin:p:w', 'whoami', '--auth', 'digest:ida:x')
    expect(out).toBe('Auth scheme: User\nip: 10.0.1.1\ndigest: erin\ndigest: ida\n')
  })

  it.each<[readonly string[], number, RegExp]>([
    [
      ['get', '-s', '10.0.0.1:2181', '/a'],
      2,
      /"10.0.0.1:2181" is not a path.*To name servers, write -s before the command/,
    ],
    [['set', '/a', 'two', 'words'], 2, /set takes <path> <data> and no more/],
    [['whoami', 'x'], 2, /whoami takes nothing/],
    [['ruok', 'x'], 2, /too many arguments/],
    [['frobnicate'], 2, /there is no command "frobnicate"/],
    [['create', '/a', 'x', 'world:anyone:q'], 2, /"q" in "world:anyone:q" is not a permission/],
    [['setAcl', '/', 'world'], 2, /"world" is not an ACL entry/],
    [['create', '-c', '-s', '/a'], 2, /a container cannot be/],
    [['create', '-e', '-t', '5', '/a'], 2, /cannot be ephemeral or a container/],
    [['create', '-t', '0', '/a'], 2, /"0" is not a TTL/],
    [['set', '-b', '/', '!'], 2, /"!" is not base64/],
    [['set', '-v', 'x', '/', 'y'], 2, /"x" is not a version/],
    [['deleteall', '-b', 'x', '/a'], 2, /"x" is not a number of znodes/],
    [['deleteall', '/none'], 1, /no-node/],
    [['setquota', '/'], 2, /give one or more limits/],
    [['setquota', '-n', '0', '/'], 2, /"0" is not a limit; -n needs a number, 1 or more/],
    [['setquota', '-n', '1', '/'], 1, /root cannot have a quota/],
    [['listquota', '/none'], 1, /^quota for \/none does not exist\.$/m],
    [['delquota', '/none'], 1, /^quota for \/none does not exist\.$/m],
    [['addWatch', '-m', 'x', '/'], 2, /"X" is not a mode/],
    [['removewatches', '/'], 1, /no-watcher/],
    [['addauth', 'kerberos', 'x'], 1, /auth-failed/],
    [['--auth', 'digest', 'whoami'], 2, /--auth needs scheme:credentials/],
    [['--auth', 'kerberos:x', 'whoami'], 1, /auth-failed/],
    [['redo', '1'], 2, /redo is a command of the shell/],
    [['reconfig'], 2, /use --add, --remove, --members or --file/],
    [['reconfig', '-add', 'server.2=a:1:2', '-members', 'x'], 2, /use either --add and --remove/],
    [['reconfig', '-file', 'x', '-members', 'x'], 2, /use either --members or --file/],
    [['reconfig', '-file', '/none'], 2, /cannot read \/none: no such file/],
    [['reconfig', '-file', '/empty'], 2, /the file has no line server\.N=/],
    [['reconfig', '-v', 'xyz', '-remove', '2'], 2, /"xyz" is not a version/],
  ])('%j ends with status %i and says why', async (argv, status, reason) => {
    const rig = await CliRig.started()
    rig.files['/empty'] = '# no server'
    const ran = await rig.run(...argv)
    expect(ran.status).toBe(status)
    expect(ran.err).toMatch(reason)
  })

  it('understands the options of zkCli, and does not change arguments after --', async () => {
    const rig = await CliRig.started()
    const options = ['-server', '10.0.0.1:2181', '-timeout', '900', '-waitforconnection']
    const { err, status } = await rig.run(...options, 'create', '--', '/a', '-server')
    expect([err, status]).toEqual(['', 0])
    expect((await rig.run('get', '/a')).out).toBe('-server\n')
    expect((await rig.shell(['set -- /a -add', 'get /a'])).out).toBe('-add\n')
  })

  it('takes servers by -s after it, if the command has no option -s', async () => {
    const rig = await CliRig.started()
    const { out, err } = await rig.run('-s', 'nowhere:1', 'whoami', '-s', '10.0.0.1:2181')
    expect([out, err]).toEqual(['Auth scheme: User\nip: 10.0.1.1\n', ''])
  })

  it('that may not delete a part of the subtree deletes the rest and reports the refusal', async () => {
    const rig = await CliRig.started()
    await rig.shell(['create /a', 'create /a/b', 'create /a/b/c', 'create /a/d', 'setAcl /a/b world:anyone:cra'])
    const ran = await rig.run('deleteall', '/a')
    expect([ran.status, ran.err]).toEqual([1, expect.stringMatching(/\/a\/b\/c: no-auth/)])
    expect((await rig.run('ls', '-R', '/a')).out).toContain('/a/b/c\n')
  })
})

function created(...paths: readonly string[]): string {
  return paths.map((path) => `Created ${path}\n`).join('')
}
