import { describe, expect, test } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { describeProblem } from '../../src/config/config-problem.ts'
import { type ConfigTexts, loadConfig } from '../../src/config/load-config.ts'

const ensemble = `dataDir=/d
tickTime=2000
initLimit=10
syncLimit=5
server.1=a:2888:3888;2181
server.2=b:2888:3888;2181
server.3=[fe80::3]:2888:3888:participant;[::1]:2183
`

function load(text: string | null, rest: Partial<ConfigTexts> = {}): ReturnType<typeof loadConfig> {
  return loadConfig({ text, dynamicText: null, myidText: null, ...rest })
}

function config(text: string | null, rest: Partial<ConfigTexts> = {}): Config {
  const loaded = load(text, rest)
  if (!loaded.ok) throw new Error(loaded.error.map((problem) => describeProblem(problem)).join('\n'))
  return loaded.value.config
}

function problems(text: string, rest: Partial<ConfigTexts> = {}): readonly string[] {
  const loaded = load(text, rest)
  return loaded.ok ? [] : loaded.error.map((problem) => describeProblem(problem))
}

function remarks(text: string): readonly string[] {
  const loaded = load(text)
  return loaded.ok ? loaded.value.remarks.map((remark) => `${remark.severity} ${describeProblem(remark)}`) : ['refused']
}

test('without a file the server is standalone on the loopback address', () => {
  expect(config(null)).toMatchObject({
    mode: 'standalone',
    serverId: 1,
    members: [],
    dataDir: './data',
    clientAddress: { host: '127.0.0.1', port: 2181 },
  })
})

test('a file system must be able to flush folders unless the configuration accepts that it cannot', () => {
  const standalone = 'dataDir=/d\nclientPort=2181\n'
  expect(config(null).requiresDirectorySync).toBe(true)
  expect(config(standalone).requiresDirectorySync).toBe(true)
  expect(config(`${standalone}fsync.directories=false`).requiresDirectorySync).toBe(false)
})

test('ticks become milliseconds', () => {
  expect(config(ensemble, { myidText: '3\n' })).toMatchObject({
    serverId: 3,
    mode: 'ensemble',
    initLimitMs: 20_000,
    syncLimitMs: 10_000,
    minSessionTimeoutMs: 4_000,
    maxSessionTimeoutMs: 40_000,
    peerTimeoutMs: 1_500,
    handOverSlowLeaderMs: 500,
    clientWaitForLeaderMs: 4_000,
    heartbeatIntervalMs: 375,
  })
})

test('the client address of an ensemble member comes from its server line', () => {
  const loaded = config(ensemble, { myidText: '3' })
  expect(loaded.clientAddress).toEqual({ host: '::1', port: 2183 })
  expect(loaded.members[2]).toEqual({
    id: 3,
    host: 'fe80::3',
    quorumPort: 2888,
    electionPort: 3888,
    role: 'participant',
    clientHost: '::1',
    clientPort: 2183,
  })
})

test('the peer timeout shrinks with a short sync limit', () => {
  expect(config(ensemble.replace('tickTime=2000', 'tickTime=200'), { myidText: '1' }).peerTimeoutMs).toBe(1_000)
})

test('one server line makes a standalone server unless standaloneEnabled is false', () => {
  const text = 'dataDir=/d\ninitLimit=5\nsyncLimit=2\nserver.7=a:2888:3888;2181\n'
  expect(config(text)).toMatchObject({ mode: 'standalone', serverId: 1, clientAddress: { port: 2181 } })
  expect(config(`${text}standaloneEnabled=false`, { myidText: '7' })).toMatchObject({ mode: 'ensemble', serverId: 7 })
})

test('0 is a server id like any other', () => {
  const text = `${ensemble}server.0=z:2888:3888;2180\n`
  const { serverId, members, clientAddress } = config(text, { myidText: '0\n' })
  expect([serverId, members.map(({ id }) => id), clientAddress.port]).toEqual([0, [0, 1, 2, 3], 2180])
})

test('server lines may stand in the dynamic file', () => {
  const at = ensemble.indexOf('server.1')
  const [own, dynamicText] = [ensemble.slice(0, at), ensemble.slice(at)]
  const loaded = config(`${own}dynamicConfigFile=x`, { dynamicText, myidText: '1' })
  expect(loaded.members.map((member) => member.id)).toEqual([1, 2, 3])
})

test('the configuration cannot be changed afterwards', () => {
  expect(Object.isFrozen(config(null))).toBe(true)
})

test('an unset whitelist answers the words that only read', () => {
  expect(config(null).fourLetterWords).toEqual([
    'conf',
    'cons',
    'dirs',
    'envi',
    'gtmk',
    'hash',
    'isro',
    'mntr',
    'ruok',
    'srvr',
    'stat',
    'wchs',
  ])
})

test.each(['0', '-1'])('with maxClientCnxns and maxCnxns of %s there is no limit', (count) => {
  const limits = config(`dataDir=/d\nclientPort=2181\nmaxClientCnxns=${count}\nmaxCnxns=${count}`)
  expect([limits.maxClientConnectionsPerAddress, limits.maxClientConnections]).toEqual([0, 0])
})

test('srvr is answered whatever the whitelist says, and isro with read-only mode', () => {
  const common = 'dataDir=d\nclientPort=1\n4lw.commands.whitelist='
  expect(config(`${common}mntr, ruok`).fourLetterWords).toEqual(['mntr', 'ruok', 'srvr'])
  expect(config(common).fourLetterWords).toEqual(['srvr'])
  for (const on of ['true', 'TRUE']) {
    const { fourLetterWords } = config(`${common}mntr\nreadonlymode.enabled=${on}`)
    expect(fourLetterWords).toEqual(['isro', 'mntr', 'srvr'])
  }
})

test('a star in the whitelist means every word', () => {
  expect(config('dataDir=d\nclientPort=1\n4lw.commands.whitelist=*').fourLetterWords).toContain('stmk')
})

describe.each([
  ['a missing data folder', 'clientPort=2181', /zoo\.cfg: dataDir: it is required/],
  ['a missing client port', 'dataDir=d', /clientPort: there is no port for clients; write clientPort=2181/],
  ['a TLS port alone', 'dataDir=d\nsecureClientPort=2281', /TLS client port only/],
  ['a port that is no number', 'dataDir=d\nclientPort=x', /zoo\.cfg:2: clientPort=x: no port/],
  ['a tick of zero', 'dataDir=d\nclientPort=1\ntickTime=0', /zoo\.cfg:3: tickTime=0: not a whole number in range/],
  ['crossed session timeouts', 'dataDir=d\nclientPort=1\nminSessionTimeout=90000', /is above the longest/],
  ['a boolean that is neither', 'dataDir=d\nclientPort=1\nlinearizableReads=maybe', /write true or false/],
  ['TLS between servers', 'dataDir=d\nclientPort=1\nsslQuorum=true', /plain text; write false, or remove the line/],
  ['SASL between servers', 'dataDir=d\nclientPort=1\nquorum.auth.enableSasl=TRUE', /open to anyone/],
  ['a group', 'dataDir=d\nclientPort=1\ngroup.1=1:2', /hierarchical quorums are not supported yet/],
  ['a weight', 'dataDir=d\nclientPort=1\nweight.1=2', /weights other than 1/],
  ['a missing dynamic file', 'dataDir=d\nclientPort=1\ndynamicConfigFile=x', /there is no such file/],
])('%s', (what, text, expected) => {
  test(`${what} is refused with its place and advice`, () => {
    expect(problems(text).join('\n')).toMatch(expected)
  })
})

describe.each([
  ['an observer', 'server.3=c:2888:3888:observer', /observers are not supported yet/],
  ['a doubled id', 'server.2=c:2888:3888', /there are two lines for server 2/],
  ['a doubled address', 'server.3=B:2888:3999', /b:2888 is already used by server\.2/],
  ['equal ports', 'server.3=c:2888:2888', /quorum and election port must differ/],
  ['several addresses', 'server.3=c:1:2|d:1:2', /several addresses/],
  ['an id of 255', 'server.255=c:1:2', /a number from 0 to 254/],
  ['a missing election port', 'server.3=c:2888', /needs a quorum port and an election port/],
  ['a client port out of range', 'server.3=c:1:2;70000', /not a number from 0 to 65535/],
  [
    'a fourth part',
    'server.3=c:1:2;2181;2182;junk',
    /"junk" is more than a server line has; write host:2888:3888;2181/,
  ],
  ['a fourth part after an empty one', 'server.3=c:1:2;2181;;junk', /"junk" is more than a server line has/],
  ['a TLS port that is none', 'server.3=c:1:2;2181;junk', /TLS client port "junk" is not a number from 0 to 65535/],
  [
    'a peer timeout above the sync limit',
    'peerTimeoutMs=10001',
    /above syncLimit x tickTime, 10000 ms; write at most 10000/,
  ],
])('%s in an ensemble', (what, line, expected) => {
  test(`${what} in an ensemble stops the start`, () => {
    const text = `${ensemble.replace(/server\.3.*\n/, '')}${line}\n`
    expect(problems(text, { myidText: '1' }).join('\n')).toMatch(expected)
  })
})

test.each([
  ['0.0.0.0', '127.0.0.1', '127.0.0.1'],
  ['::', '[::1]', '::1'],
  ['0:0:0:0:0:0:0:1', '[::1]', '::1'],
  ['[::1]', '[0::1]', '0::1'],
  ['LOCALHOST', 'localhost', 'localhost'],
])('clientPortAddress=%s agrees with %s in the server line', (address, lineHost, host) => {
  const text = `${ensemble.replace(';2181', `;${lineHost}:2181`)}clientPort=2181\nclientPortAddress=${address}\n`
  expect(load(text, { myidText: '1' })).toMatchObject({
    ok: true,
    value: { config: { clientAddress: { host, port: 2181 } }, remarks: [] },
  })
})

test('two addresses for clients that differ are refused, a name beside an address is a warning', () => {
  const text = `${ensemble.replace(';2181', ';127.0.0.1:2181')}clientPort=2181\nclientPortAddress=`
  expect(problems(`${text}127.0.0.2`, { myidText: '1' })).toEqual([
    'zoo.cfg:9: clientPortAddress=127.0.0.2: the server line of this server says 127.0.0.1; remove one of the two, or make them equal',
  ])
  const loaded = load(`${text}localhost`, { myidText: '1' })
  expect(loaded.ok && loaded.value.remarks.map((remark) => describeProblem(remark))).toEqual([
    'zoo.cfg:9: clientPortAddress=localhost: clients are served on 127.0.0.1, as the server line of this server says; remove this line',
  ])
})

test('one server line with a mistake is one problem, whichever id this server has', () => {
  const broken = ensemble.replace('server.2=b:2888', 'server.2=b:x')
  const wrong = expect.stringMatching(/^zoo\.cfg:6: server\.2=b:x:3888;2181: quorum and election port are numbers/)
  for (const myidText of ['1', '2', '3']) expect(problems(broken, { myidText })).toEqual([wrong])
  expect(problems(ensemble.replace('server.2', 'server.two'), { myidText: '2' })).toHaveLength(1)
  expect(problems(`dataDir=d\nserver.1=a:1\n`)).toHaveLength(1)
})

test('limits that an ensemble needs are asked for by name', () => {
  const text = ensemble.replace(/initLimit.*\nsyncLimit.*\n/, '')
  const all = problems(text, { myidText: '1' }).join('\n')
  expect(all).toContain('initLimit: it is required in an ensemble; write initLimit=10')
  expect(all).toContain('syncLimit: it is required in an ensemble; write syncLimit=5')
})

test('a missing, wordy or foreign myid is refused with the known numbers', () => {
  expect(problems(ensemble)).toEqual([expect.stringMatching(/^myid: the file is missing.*one of 1, 2, 3/)])
  expect(problems(ensemble, { myidText: 'one' })).toEqual([expect.stringMatching(/^myid:1: "one" is not a number/)])
  expect(problems(ensemble, { myidText: '9\n' })).toEqual([expect.stringMatching(/there is no server\.9 line/)])
})

test('every problem of a file is reported at once', () => {
  expect(problems('tickTime=x\nclientPort=y').length).toBe(3)
})

test('problems are listed in the order of the lines, and what is missing comes after the lines of its file', () => {
  const text = `${ensemble.replace('dataDir=/d', 'enforceQuota=maybe').replace('server.2=b:2888', 'server.2=b:x')}maxCnxns=x\ntickTime=y\n`
  const placeOf = (problem: string) => /^[^ ]+(?= )/.exec(problem)?.[0]
  expect(problems(text, { myidText: 'one' }).map(placeOf)).toEqual([
    'zoo.cfg:1:',
    'zoo.cfg:6:',
    'zoo.cfg:8:',
    'zoo.cfg:9:',
    'zoo.cfg:',
    'myid:1:',
  ])
})

test('remarks are listed in the order of the lines', () => {
  const text = 'dataDir=d\n4lw.commands.whitelist=rouk\nmaxSesionTimeout=1\n# a comment\nsnapCount=1\nclientPort=1'
  const lines = remarks(text).map((remark) => /zoo\.cfg:(\d+)/.exec(remark)?.[1])
  expect(lines).toEqual(['2', '3', '5'])
})

test('a mistyped key is a warning that names the nearest one', () => {
  expect(remarks('dataDir=d\nclientPort=1\nmaxSesionTimeout=1')).toEqual([
    'warning zoo.cfg:3: maxSesionTimeout=1: unknown key, it changes nothing; did you mean maxSessionTimeout?',
  ])
})

test('a system property written into the file is a warning that names the plain key', () => {
  expect(remarks('dataDir=d\nclientPort=1\nzookeeper.maxCnxns=3').join()).toContain('did you mean maxCnxns?')
})

test('a key without effect here is a note that says why', () => {
  expect(remarks('dataDir=d\nclientPort=1\nforceSync=no')).toEqual([
    'note zoo.cfg:3: forceSync=no: it has no effect here: every write is flushed before it counts, always',
  ])
})

test('no password that stands in the file is shown, whatever is wrong with its line', () => {
  const keys = ['ssl.keyStore.password', 'ssl.quorum.trustStore.password', 'SASLAuthenticationProvider.superPassword']
  const digest = 'DigestAuthenticationProvider.superDigest'
  const lines = [...keys, digest, digest, `${digest.slice(0, -1)}`].map((key, i) => `${key}=hunter${i}`)
  const shown = remarks(`dataDir=/d\nclientPort=2181\n${lines.join('\n')}\n`)
  expect(shown.join()).toContain(`zoo.cfg:3: ssl.keyStore.password=…: it has no effect here`)
  expect(shown.join()).toContain('it was set to "…" on line')
  expect(shown.filter((line) => line.includes('hunter'))).toEqual([])
})

test('a key set twice is a warning and the later line wins', () => {
  const text = 'dataDir=d\nclientPort=1\nclientPort=2'
  expect(config(text).clientAddress.port).toBe(2)
  expect(remarks(text).join()).toContain('it was set to "1" on line 2; the later line wins')
})

test('an unknown word in the whitelist is a warning with its line', () => {
  expect(
    loadConfig({ text: 'dataDir=d\nclientPort=1\n4lw.commands.whitelist=mtnr', dynamicText: null, myidText: null }),
  ).toMatchObject({ value: { remarks: [{ key: '4lw.commands.whitelist', line: 3 }] } })
  expect(remarks('dataDir=d\nclientPort=1\n4lw.commands.whitelist=mtnr').join()).toContain('no such four-letter word')
})
