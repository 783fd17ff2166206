/** The texts of zkts-server when it does not start, in full, for each cause outside the program. */
import { describe, expect, it } from 'vitest'
import type { Disk } from '../../src/ports/disk.ts'
import { readConfig } from '../../src/server/config-files.ts'
import { portFailure } from '../../src/server/start-failure.ts'
import { configOf, ServerRig, standaloneConfig } from '../support/server-rig.ts'

function fault(code: string, text: string): Error {
  return Object.assign(new Error(`${code}: ${text}`), { code })
}

describe('a disk fault', () => {
  async function messageWith(operation: keyof Disk, cause: Error, lines: readonly string[] = []): Promise<string> {
    const rig = new ServerRig()
    const disk = rig.disk()
    Object.defineProperty(disk, operation, { value: () => Promise.reject(cause) })
    const outcome = await rig.settle(rig.server(standaloneConfig(lines), disk).server.start())
    return outcome.ok ? 'started' : `${outcome.error.kind} ${outcome.error.message}`
  }

  it.each<[string, keyof Disk, Error, string]>([
    [
      'a folder that this user may not create',
      'makeFolder',
      fault('EACCES', "permission denied, mkdir '/data'"),
      "/data/wal: this user may not use it (EACCES: permission denied, mkdir '/data'). Grant the right to read and write, or write another folder.",
    ],
    [
      'a folder that this user may not read',
      'exists',
      fault('EACCES', "permission denied, access '/data'"),
      "/data: this user may not use it (EACCES: permission denied, access '/data'). Grant the right to read and write, or write another folder.",
    ],
    [
      'a full disk',
      'lock',
      fault('ENOSPC', "no space left on device, write '/data/wal/lock'"),
      "/data/wal: the disk is full (ENOSPC: no space left on device, write '/data/wal/lock'). Make room, or write a folder on another disk.",
    ],
    [
      'a quota of the disk',
      'makeFolder',
      fault('EDQUOT', 'disk quota exceeded'),
      '/data/wal: the disk is full (EDQUOT: disk quota exceeded). Make room, or write a folder on another disk.',
    ],
    [
      'a folder below a file',
      'makeFolder',
      fault('ENOTDIR', "not a directory, mkdir '/data/wal'"),
      "/data/wal: a part of the path is a file and not a folder (ENOTDIR: not a directory, mkdir '/data/wal'). Write the path of a folder.",
    ],
    [
      'a file in place of the folder',
      'makeFolder',
      fault('EEXIST', "file already exists, mkdir '/data'"),
      "/data/wal: a part of the path is a file and not a folder (EEXIST: file already exists, mkdir '/data'). Write the path of a folder.",
    ],
    [
      'a read-only file system',
      'makeFolder',
      fault('EROFS', 'read-only file system'),
      '/data/wal: the file system is read-only (EROFS: read-only file system). Mount it for writing, or write another folder.',
    ],
    [
      'a broken disk',
      'list',
      fault('EIO', 'i/o error, scandir'),
      '/data: the disk has failed (EIO: i/o error, scandir). Read the system log, and replace the disk if it is broken.',
    ],
    [
      'a limit of open files',
      'lock',
      fault('EMFILE', 'too many open files'),
      '/data/wal: too many files are open (EMFILE: too many open files). Raise the limit (ulimit -n), and start again.',
    ],
    ['anything else', 'makeFolder', fault('ENAMETOOLONG', 'name too long'), '/data/wal: ENAMETOOLONG: name too long.'],
  ])('%s is named with its setting', async (_what, operation, cause, message) => {
    expect(await messageWith(operation, cause)).toBe(`io dataDir: ${message}`)
  })

  it('is reported under dataLogDir if the log has its own folder', async () => {
    expect(await messageWith('makeFolder', fault('EROFS', 'read-only file system'), ['dataLogDir=/log'])).toMatch(
      /^io dataLogDir: \/log\/wal: the file system is read-only/,
    )
  })
})

describe('a port that cannot be opened', () => {
  it.each([
    ['EADDRINUSE', 'another process uses this port (EADDRINUSE). Stop it, or write another port for clientPort.'],
    [
      'EADDRNOTAVAIL',
      'this machine does not have this address (EADDRNOTAVAIL). Write one of its addresses, or set clientPortAddress=0.0.0.0.',
    ],
    ['EACCES', 'this user may not open this port (EACCES). Write a port above 1023, or grant the right.'],
    ['ENOTFOUND', 'the name does not resolve (ENOTFOUND). Check the name, or write the address.'],
    ['EPROTO', 'EPROTO: why (EPROTO).'],
  ])('%s', (code, message) => {
    const failure = portFailure('clientPort', { host: '10.0.0.1', port: 80 }, fault(code, 'why'))
    expect(failure.message).toBe(`clientPort: cannot listen on 10.0.0.1:80: ${message}`)
  })
})

it('an address that this machine lacks is explained for the quorum port with its own key', () => {
  const failure = portFailure('server.1', { host: '10.0.0.1', port: 80 }, fault('EADDRNOTAVAIL', 'why'))
  expect(failure.message).toBe(
    'server.1: cannot listen on 10.0.0.1:80: this machine does not have this address (EADDRNOTAVAIL). Write one of its addresses, or set quorumListenOnAllIPs=true.',
  )
})

it('an empty path of a zoo.cfg is refused', async () => {
  const loaded = await readConfig('', async () => null)
  expect(loaded).toMatchObject({
    error: ['--config: the path is empty. Write the path of a zoo.cfg, or leave --config out.'],
  })
})

it('the configuration may come from a pipe, and myid may not', async () => {
  const accepted = new Map<string, string>()
  await readConfig('/etc/zoo.cfg', async (path, accepts) => {
    accepted.set(path, accepts)
    return path === '/etc/zoo.cfg' ? 'dataDir=/d\ndynamicConfigFile=/x\n' : ''
  })
  const [main, dynamic, myid] = ['/etc/zoo.cfg', '/x', '/d/myid'].map((path) => accepted.get(path))
  expect([main, dynamic, myid]).toEqual(['file-or-pipe', 'file-or-pipe', 'file'])
})

describe('files that cannot be read or parsed', () => {
  /** The error lines of a start with these files; null stands for a file that does not exist. */
  async function errorsOf(files: Readonly<Record<string, string | Error | null>>): Promise<readonly string[]> {
    const read = async (path: string): Promise<string | null> => {
      const text = files[path] ?? null
      if (text instanceof Error) throw text
      return text
    }
    const loaded = await readConfig('/etc/zoo.cfg', read)
    return loaded.ok ? ['started'] : loaded.error
  }

  const usual = 'dataDir=/d\nclientPort=2181\n'
  const three = 'dataDir=/d\ninitLimit=10\nsyncLimit=5\nserver.1=a:1:2;3\nserver.2=b:1:2;3\nserver.3=c:1:2;3\n'

  it.each<[string, Readonly<Record<string, string | Error | null>>, readonly string[]]>([
    [
      'no zoo.cfg',
      {},
      ['--config: there is no file /etc/zoo.cfg. Write the path of a zoo.cfg, or leave --config out.'],
    ],
    [
      'a folder for zoo.cfg',
      { '/etc/zoo.cfg': fault('EISDIR', 'illegal operation on a directory, read') },
      ['--config: /etc/zoo.cfg cannot be read: it is a folder (EISDIR). Write the path of a file.'],
    ],
    [
      'a zoo.cfg of another user',
      { '/etc/zoo.cfg': fault('EACCES', 'permission denied') },
      [
        '--config: /etc/zoo.cfg cannot be read: this user may not read it (EACCES). Grant the right, or start the server as the user that owns it.',
      ],
    ],
    ...[
      ['UTF-16', '\u00ff\u00fed\0a\0'],
      ['UTF-16 without a zero byte', '\u00fe\u00ff\u0101'],
      ['the format of a program', '\u007fELF\0'],
    ].map(([what, text]): [string, Readonly<Record<string, string>>, readonly string[]] => [
      `a zoo.cfg in ${what}`,
      { '/etc/zoo.cfg': text! },
      [
        '--config: /etc/zoo.cfg is not a text file in UTF-8: it has bytes of value 0, or the first two bytes of UTF-16. Save it in UTF-8, or write another path.',
      ],
    ]),
    [
      'a FIFO for myid',
      { '/etc/zoo.cfg': usual, '/d/myid': fault('EFTYPE', '/d/myid is a named pipe') },
      ['dataDir: /d/myid cannot be read: EFTYPE: /d/myid is a named pipe (EFTYPE). Write a regular file in its place.'],
    ],
    [
      'a data folder that is a file',
      { '/etc/zoo.cfg': usual, '/d/myid': fault('ENOTDIR', 'not a directory') },
      [
        'dataDir: /d/myid cannot be read: a part of this path is a file, not a folder (ENOTDIR). Write the path of a folder that exists or can be made.',
      ],
    ],
    [
      'a dynamic file that is missing',
      { '/etc/zoo.cfg': `${usual}dynamicConfigFile=/etc/dynamic\n` },
      [
        '/etc/zoo.cfg:3: dynamicConfigFile=/etc/dynamic: there is no such file; create it, or put the server lines into zoo.cfg',
      ],
    ],
    [
      'a mistake in the dynamic file',
      {
        '/etc/zoo.cfg': `${three.split('server')[0]}dynamicConfigFile=/x\n`,
        '/x': 'server.1=a\nserver.2=b:1:2;3\n',
        '/d/myid': '1',
      },
      ['/x:1: server.1=a: a server needs a quorum port and an election port; write host:2888:3888;2181'],
    ],
    [
      'a key in small letters',
      { '/etc/zoo.cfg': 'datadir=/d\nclientPort=2181\n' },
      ['/etc/zoo.cfg:1: datadir=/d: unknown key, and dataDir is missing; did you mean dataDir?'],
    ],
    [
      'a key with a slip',
      { '/etc/zoo.cfg': 'dataDir=/d\ncleintPort=2181\n' },
      ['/etc/zoo.cfg:2: cleintPort=2181: unknown key, and clientPort is missing; did you mean clientPort?'],
    ],
    [
      'a key without a value',
      { '/etc/zoo.cfg': 'dataDir=\nclientPort=2181\n' },
      ['/etc/zoo.cfg:1: dataDir=: there is no value; write one, or remove the line'],
    ],
    [
      'no myid',
      { '/etc/zoo.cfg': three },
      [
        '/d/myid: the file is missing, so this server does not know which of the server lines it is; write the number of this server, one of 1, 2, 3, into the file myid in dataDir',
      ],
    ],
    [
      'a bad server line of this server',
      { '/etc/zoo.cfg': three.replace('b:1:2', 'b:1:x'), '/d/myid': '2' },
      [
        '/etc/zoo.cfg:5: server.2=b:1:x;3: quorum and election port are numbers from 1 to 65535; write host:2888:3888;2181',
      ],
    ],
    [
      'a bad server line of another server',
      { '/etc/zoo.cfg': three.replace('server.2', 'server.2nd'), '/d/myid': '2' },
      [
        '/etc/zoo.cfg:5: server.2nd=b:1:2;3: a server id is a number from 0 to 254; write server.1=…, and 1 into its myid',
      ],
    ],
  ])('%s', async (_what, files, lines) => {
    expect(await errorsOf(files)).toEqual(lines)
  })
})

it('a standalone server whose port is in use reports the port and not the data folder', async () => {
  const rig = new ServerRig()
  await rig.started()
  const config = configOf('dataDir=/data\nclientPort=2181\nclientPortAddress=10.0.0.1', null)
  const outcome = await rig.settle(rig.server(config, rig.disk(2)).server.start())
  expect(outcome.ok ? null : outcome.error.message).toBe(
    'clientPort: cannot listen on 10.0.0.1:2181: another process uses this port (EADDRINUSE). Stop it, or write another port for clientPort.',
  )
})
