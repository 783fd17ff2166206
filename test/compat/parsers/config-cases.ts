/**
 * Configuration files: typical ones, and random ones of the parts that matter. `@` stands for the folder of
 * the case. Nothing here depends on a name server, and no value of a key that has no effect on us is wrong.
 */
import type { SeededRandom } from '../../support/seeded-random.ts'

export interface ConfigCase {
  readonly title: string
  readonly text: string
  readonly myid?: string
  /** The text of `@/zoo.cfg.dynamic`. */
  readonly dynamic?: string
  /** Written as bytes of Latin-1, not of UTF-8. */
  readonly isLatin1?: true
}

const three = 'server.1=10.0.0.1:2888:3888;2181\nserver.2=10.0.0.2:2888:3888;2181\nserver.3=10.0.0.3:2888:3888;2181\n'
const usual = 'tickTime=2000\ninitLimit=10\nsyncLimit=5\ndataDir=@/data\n'

export const typicalCases: readonly ConfigCase[] = [
  {
    title: 'zoo_sample.cfg',
    text: `# The number of milliseconds of each tick\n${usual}clientPort=2181\n#maxClientCnxns=60\n`,
  },
  { title: 'the smallest file', text: 'dataDir=@/data\nclientPort=2181\n' },
  {
    title: 'the guide, three servers',
    text: `${usual}clientPort=2181\nserver.1=10.0.0.1:2888:3888\nserver.2=10.0.0.2:2888:3888\nserver.3=10.0.0.3:2888:3888\n`,
    myid: '2\n',
  },
  { title: 'the guide, client ports in the lines', text: usual + three, myid: '3' },
  {
    title: 'an image for containers',
    text: `dataDir=@/data\ndataLogDir=@/datalog\n${usual.replace('dataDir=@/data\n', '')}autopurge.snapRetainCount=3\nautopurge.purgeInterval=0\nmaxClientCnxns=60\nstandaloneEnabled=true\nadmin.enableServer=true\n4lw.commands.whitelist=srvr, mntr, ruok\nserver.1=127.0.0.1:2888:3888;2181\n`,
    myid: '1\n',
  },
  {
    title: 'a set of pods',
    text: `clientPort=2181\n${usual}maxClientCnxns=60\nminSessionTimeout=4000\nmaxSessionTimeout=40000\nautopurge.snapRetainCount=3\nautopurge.purgeInterval=12\nserver.1=zk-0.zk-hs.default.svc.cluster.local:2888:3888\nserver.2=zk-1.zk-hs.default.svc.cluster.local:2888:3888\nserver.3=zk-2.zk-hs.default.svc.cluster.local:2888:3888\n`,
    myid: '1\n',
  },
  {
    title: 'an operator for clusters',
    text: `dataDir=@/data\nstandaloneEnabled=false\nreconfigEnabled=true\nskipACL=yes\nmetricsProvider.httpPort=7000\ninitLimit=10\nsyncLimit=2\ntickTime=2000\nglobalOutstandingLimit=1000\nsnapCount=10000\nminSessionTimeout=4000\nmaxSessionTimeout=40000\nadmin.serverPort=8080\ndynamicConfigFile=@/zoo.cfg.dynamic\n`,
    dynamic:
      'server.1=zk-0.zk:2888:3888:participant;0.0.0.0:2181\nserver.2=zk-1.zk:2888:3888:participant;0.0.0.0:2181\n',
    myid: '1',
  },
  { title: 'a dynamic file', text: `${usual}dynamicConfigFile=@/zoo.cfg.dynamic\n`, dynamic: three, myid: '1' },
  {
    title: 'a dynamic file with a version',
    text: `${usual}dynamicConfigFile=@/zoo.cfg.dynamic\n`,
    dynamic: `${three}version=100000000\n`,
    myid: '1',
  },
  {
    title: 'a dynamic file with another key',
    text: `${usual}dynamicConfigFile=@/zoo.cfg.dynamic\n`,
    dynamic: `${three}tickTime=2000\n`,
    myid: '1',
  },
  { title: 'a dynamic file that is missing', text: `${usual}dynamicConfigFile=@/zoo.cfg.dynamic\n`, myid: '1' },
  {
    title: 'server lines in both files',
    text: `${usual}dynamicConfigFile=@/zoo.cfg.dynamic\nserver.1=10.0.0.1:2888:3888\n`,
    dynamic: three,
    myid: '1',
  },
  {
    title: 'an empty dynamic file',
    text: `${usual}clientPort=2181\ndynamicConfigFile=@/zoo.cfg.dynamic\n`,
    dynamic: '',
  },
  { title: 'server 0', text: `${usual}${three}server.0=10.0.0.9:2888:3888;2181\n`, myid: '0' },
  {
    title: 'an address beside a server line',
    text: `${usual}clientPort=2181\nclientPortAddress=0.0.0.0\nserver.1=10.0.0.1:2888:3888;127.0.0.1:2181\nserver.2=10.0.0.2:2888:3888;2181\n`,
    myid: '1',
  },
  {
    title: 'the same address in two spellings',
    text: `${usual}clientPort=2181\nclientPortAddress=0:0:0:0:0:0:0:1\nserver.1=10.0.0.1:2888:3888;[::1]:2181\nserver.2=10.0.0.2:2888:3888;2181\n`,
    myid: '1',
  },
  {
    title: 'another address beside a server line',
    text: `${usual}clientPort=2181\nclientPortAddress=127.0.0.2\nserver.1=10.0.0.1:2888:3888;127.0.0.1:2181\nserver.2=10.0.0.2:2888:3888;2181\n`,
    myid: '1',
  },
  { title: 'an address in brackets', text: 'dataDir=@/data\nclientPort=2181\nclientPortAddress=[::1]\n' },
  { title: 'another port beside a server line', text: `${usual}clientPort=2182\n${three}`, myid: '1' },
  { title: 'an address without a port', text: `${usual}clientPortAddress=127.0.0.1\n${three}`, myid: '1' },
  { title: 'any free port', text: 'dataDir=@/data\nclientPort=0\n' },
  { title: 'one server line', text: `${usual}clientPort=2181\nserver.1=10.0.0.1:2888:3888\n`, myid: '1' },
  { title: 'one server line without myid', text: `${usual}clientPort=2181\nserver.1=10.0.0.1:2888:3888\n` },
  { title: 'one server line and its port, without myid', text: `${usual}server.1=10.0.0.1:2888:3888;2181\n` },
  {
    title: 'one server line, an ensemble all the same',
    text: `${usual}standaloneEnabled=false\nserver.1=10.0.0.1:2888:3888;2181\n`,
    myid: '1',
  },
  { title: 'no server line, an ensemble all the same', text: `${usual}clientPort=2181\nstandaloneEnabled=false\n` },
  { title: 'an ensemble without myid', text: usual + three },
  { title: 'myid of no server', text: usual + three, myid: '4\n' },
  { title: 'myid in words', text: usual + three, myid: 'one\n' },
  { title: 'an empty myid', text: usual + three, myid: '' },
  { title: 'myid with a blank', text: usual + three, myid: '1 \n' },
  { title: 'myid with zeros and a sign', text: usual + three, myid: '+01\n' },
  { title: 'myid of two lines', text: usual + three, myid: '1\n2\n' },
  { title: 'an observer', text: `${usual}${three}server.4=10.0.0.4:2888:3888:observer;2181\n`, myid: '1' },
  { title: 'observers alone', text: `${usual}server.4=10.0.0.4:2888:3888:observer;2181\n`, myid: '4' },
  { title: 'groups', text: `${usual}${three}group.1=1:2:3\nweight.1=1\nweight.2=1\nweight.3=1\n`, myid: '1' },
  { title: 'a weight without groups', text: `${usual}${three}weight.1=1\n`, myid: '1' },
  { title: 'CRLF', text: (usual + three).replaceAll('\n', '\r\n'), myid: '1\r\n' },
  { title: 'a mark of byte order before a comment', text: `\ufeff# comment\n${usual}clientPort=2181\n` },
  { title: 'a mark of byte order before a key', text: '\ufeffdataDir=@/data\nclientPort=2181\n' },
  { title: 'Latin-1 in a comment', text: `# d\u00e9faut\n${usual}clientPort=2181\n`, isLatin1: true },
  { title: 'Latin-1 in a path', text: 'dataDir=@/donn\u00e9es\nclientPort=2181\n', isLatin1: true },
  { title: 'UTF-8 in a path', text: 'dataDir=@/donn\u00e9es\nclientPort=2181\n' },
  { title: 'an escape in a path', text: 'dataDir=@/donn\\u00e9es\nclientPort=2181\n' },
  { title: 'a malformed escape', text: 'dataDir=@/data\nclientPort=2181\nx=\\u12\n' },
  { title: 'a backslash in a path', text: 'dataDir=@\\\\data\nclientPort=2181\n' },
  { title: 'a path of Windows', text: 'dataDir=C:\\\\data\\\\zk\nclientPort=2181\n' },
  {
    title: 'continued lines',
    text: 'dataDir=\\\n   @/data\nclientPort=21\\\n  81\n4lw.commands.whitelist=srvr,\\\n  mntr\n',
  },
  { title: 'a continued comment', text: '# comment \\\ndataDir=@/data\nclientPort=2181\n' },
  { title: 'a backslash alone before a comment', text: 'dataDir=@/data\n\\\n# comment\nclientPort=2181\n' },
  { title: 'colons and blanks as separators', text: 'dataDir: @/data\nclientPort 2181\ntickTime\t=\t1000\n' },
  { title: 'a blank at the end of a value', text: 'dataDir=@/data  \nclientPort=2181\t\n' },
  { title: 'a blank at the end of a server line', text: `${usual}${three.replaceAll('\n', ' \n')}`, myid: '1' },
  {
    title: 'blanks in a server line',
    text: `${usual}server.1=10.0.0.1:2888:3888; 2181\nserver.2=10.0.0.2: 2888:3888;2181\n`,
    myid: '1',
  },
  { title: 'a tick of 0', text: 'dataDir=@/data\nclientPort=2181\ntickTime=0\n' },
  { title: 'a tick below 0', text: 'dataDir=@/data\nclientPort=2181\ntickTime=-2000\n' },
  { title: 'a long tick', text: 'dataDir=@/data\nclientPort=2181\ntickTime=4000000\n' },
  { title: 'limits of 0 in an ensemble', text: `dataDir=@/data\ninitLimit=0\nsyncLimit=0\n${three}`, myid: '1' },
  { title: 'limits of 0 alone', text: 'dataDir=@/data\nclientPort=2181\ninitLimit=0\nsyncLimit=0\n' },
  { title: 'limits below 0', text: `dataDir=@/data\ninitLimit=-1\nsyncLimit=-1\n${three}`, myid: '1' },
  { title: 'no limits in an ensemble', text: `dataDir=@/data\n${three}`, myid: '1' },
  {
    title: 'a short session timeout above the long one',
    text: 'dataDir=@/data\nclientPort=2181\nminSessionTimeout=90000\n',
  },
  { title: 'a minimum of 0', text: 'dataDir=@/data\nclientPort=2181\nminSessionTimeout=0\n' },
  { title: 'no sessions', text: 'dataDir=@/data\nclientPort=2181\nminSessionTimeout=0\nmaxSessionTimeout=0\n' },
  { title: 'no data folder', text: 'clientPort=2181\n' },
  { title: 'a key in small letters', text: 'datadir=@/data\nclientPort=2181\n' },
  { title: 'an empty data folder', text: 'dataDir=\nclientPort=2181\n' },
  { title: 'an empty log folder', text: 'dataDir=@/data\nclientPort=2181\ndataLogDir=\n' },
  { title: 'an empty port', text: 'dataDir=@/data\nclientPort=\n' },
  { title: 'an empty address', text: 'dataDir=@/data\nclientPort=2181\nclientPortAddress=\n' },
  { title: 'an empty number', text: 'dataDir=@/data\nclientPort=2181\nmaxClientCnxns=\n' },
  { title: 'an empty boolean', text: 'dataDir=@/data\nclientPort=2181\nlocalSessionsEnabled=\n' },
  { title: 'an empty server line', text: `${usual}clientPort=2181\nserver.1=\n` },
  { title: 'no port for clients', text: 'dataDir=@/data\n' },
  { title: 'a port for TLS alone', text: 'dataDir=@/data\nsecureClientPort=2281\n' },
  { title: 'an old election algorithm', text: 'dataDir=@/data\nclientPort=2181\nelectionAlg=0\n' },
  { title: 'the election algorithm with a zero', text: 'dataDir=@/data\nclientPort=2181\nelectionAlg=03\n' },
  {
    title: 'SASL between servers',
    text: `${usual}${three}quorum.auth.enableSasl=true\nquorum.auth.learnerRequireSasl=true\nquorum.auth.serverRequireSasl=true\n`,
    myid: '1',
  },
  { title: 'TLS between servers', text: `${usual}${three}sslQuorum=true\n`, myid: '1' },
  { title: 'a role of this server', text: `${usual}${three}peerType=observer\n`, myid: '1' },
  {
    title: 'booleans in capitals',
    text: 'dataDir=@/data\nclientPort=2181\nlocalSessionsEnabled=TRUE\nreconfigEnabled=True\nquorumListenOnAllIPs=FALSE\n',
  },
  { title: 'yes as a boolean', text: 'dataDir=@/data\nclientPort=2181\nlocalSessionsEnabled=yes\n' },
  { title: 'a key set twice', text: 'dataDir=@/data\nclientPort=2181\nclientPort=2182\n' },
  { title: 'a server line twice', text: `${usual}${three}server.2=10.0.0.5:2888:3888;2181\n`, myid: '1' },
  {
    title: 'two servers at one address',
    text: `${usual}server.1=10.0.0.1:2888:3888;2181\nserver.2=10.0.0.1:2888:3888;2182\n`,
    myid: '1',
  },
  {
    title: 'one address in two spellings',
    text: `${usual}server.1=[::1]:2888:3888;2181\nserver.2=[0:0:0:0:0:0:0:1]:2888:3888;2182\n`,
    myid: '1',
  },
  { title: 'a very long tick', text: 'dataDir=@/data\nclientPort=2181\ntickTime=107374183\n' },
  {
    title: 'a very long limit',
    text: `${usual.replace('syncLimit=5', 'syncLimit=2000000')}${three}`,
    myid: '1',
  },
  {
    title: 'a port for TLS in the line',
    text: `${usual}server.1=10.0.0.1:2888:3888;2181;2281\nserver.2=10.0.0.2:2888:3888;2181\n`,
    myid: '1',
  },
  {
    title: 'several addresses',
    text: `${usual}server.1=10.0.0.1:2888:3888|10.0.1.1:2888:3888;2181\nserver.2=10.0.0.2:2888:3888;2181\n`,
    myid: '1',
  },
  { title: 'a server id of 255', text: `${usual}${three}server.255=10.0.0.4:2888:3888;2181\n`, myid: '1' },
  { title: 'a server id below 0', text: `${usual}${three}server.-1=10.0.0.4:2888:3888;2181\n`, myid: '1' },
  { title: 'a server id in words', text: `${usual}${three}server.a=10.0.0.4:2888:3888;2181\n`, myid: '1' },
  {
    title: 'a server id with zeros',
    text: `${usual}server.01=10.0.0.1:2888:3888;2181\nserver.+2=10.0.0.2:2888:3888;2181\n`,
    myid: '1',
  },
  ...['2181;2281;junk', '2181;junk'].map((ports) => ({
    title: `the ports ${ports} in the line`,
    text: `${usual}server.1=10.0.0.1:2888:3888;${ports}\nserver.2=10.0.0.2:2888:3888;2181\n`,
    myid: '1',
  })),
  { title: 'backlogs', text: 'dataDir=@/data\nclientPort=2181\nclientPortListenBacklog=-1\nmaxClientCnxns=-5\n' },
]

const serverValues: readonly string[] = [
  '10.0.0.N:2888:3888',
  '10.0.0.N:2888:3888;2181',
  '10.0.0.N:2888:3888:participant',
  '10.0.0.N:2888:3888:PARTICIPANT;2181',
  '10.0.0.N:2888:3888;127.0.0.1:2181',
  '10.0.0.N:2888:3888;localhost:2181',
  '10.0.0.N:2888:3888;[::1]:2181',
  '10.0.0.N:2888:3888;0.0.0.0:2181',
  '[fe80::N]:2888:3888',
  '[fe80::N]:2888:3888:participant;2181',
  'zkN.example.:2888:3888;2181',
  '10.0.0.N:2888:3888;0',
  '10.0.0.N:02888:+3888;2181',
  '10.0.0.N:2888:3888:',
  '10.0.0.N:2888:3888;',
  '10.0.0.N:2888:3888;2181;',
]
const oddServerValues: readonly string[] = [
  '10.0.0.N',
  '10.0.0.N:2888',
  '10.0.0.N:2888:3888:voter',
  '10.0.0.N:2888:3888:observer',
  '10.0.0.N:2888:2888',
  '10.0.0.N:0:3888',
  '10.0.0.N:2888:70000',
  '10.0.0.N:2888:-1',
  '10.0.0.N:a:b',
  '10.0.0.N:2888:3888:participant:x',
  ':2888:3888',
  'fe80::N:2888:3888',
  '[fe80::N:2888:3888',
  '[fe80::N]',
  '[fe80::N]:',
  '10.0.0.N:2888:3888;x',
  '10.0.0.N:2888:3888;70000',
  '10.0.0.N:2888:3888;:2181',
  '10.0.0.N:2888:3888;h:1:2',
  '10.0.0.N:2888:3888;2181;2281',
  '10.0.0.N:2888:3888;;',
  ';2181',
  '10.0.0.N:2888:3888|10.0.1.N:2888:3888',
  ' 10.0.0.N:2888:3888 ',
]
const numberValues: readonly string[] = ['1', '2', '5', '10', '60', '2000', '4000', '60000', '+7', '007']
const oddNumberValues: readonly string[] = [
  '0',
  '-1',
  '-5',
  '',
  'x',
  '1.5',
  '0x10',
  '2147483647',
  '2147483648',
  '1_000',
  '5 0',
]
const booleanValues: readonly string[] = ['true', 'false', 'TRUE', 'False']
const oddBooleanValues: readonly string[] = ['', 'yes', '1', 'tru']
const numberKeys: readonly string[] = [
  'tickTime',
  'initLimit',
  'syncLimit',
  'minSessionTimeout',
  'maxSessionTimeout',
  'maxClientCnxns',
  'clientPortListenBacklog',
  'clientPort',
]
const booleanKeys: readonly string[] = [
  'localSessionsEnabled',
  'localSessionsUpgradingEnabled',
  'quorumListenOnAllIPs',
  'standaloneEnabled',
  'reconfigEnabled',
]
const addressValues: readonly string[] = [
  '0.0.0.0',
  '127.0.0.1',
  '::',
  '[::1]',
  '0:0:0:0:0:0:0:1',
  '::1',
  '10.0.0.1',
  '',
]
const separators: readonly string[] = ['=', '=', '=', ' = ', ':', ' ', '\t', ' : ', '=\t']
const noise: readonly string[] = [
  '',
  '# a comment',
  '! another',
  '   ',
  '\t# x',
  '#\\',
  'autopurge.purgeInterval=1',
  'snapCount=1000',
  'admin.enableServer=false',
]

/** Mostly correct, with one or two mistakes. */
export function randomCase(random: SeededRandom, number: number): ConfigCase {
  const lines = new Map<string, string>([['dataDir', '@/data']])
  const serverCount = random.pick([0, 0, 0, 1, 2, 3, 3, 3, 5])
  if (serverCount > 1 || random.chance(3)) lines.set('initLimit', '10').set('syncLimit', '5')
  if (serverCount === 0 || random.chance(2)) lines.set('clientPort', '2181')
  if (random.chance(3)) lines.set('clientPortAddress', random.pick(addressValues))
  for (let i = random.below(4); i > 0; i--) {
    const odd = random.chance(4)
    if (random.chance(3)) lines.set(random.pick(booleanKeys), random.pick(odd ? oddBooleanValues : booleanValues))
    else lines.set(random.pick(numberKeys), random.pick(odd ? oddNumberValues : numberValues))
  }
  const members = new Map<string, string>()
  const firstId = random.chance(4) ? 0 : 1
  for (let id = firstId; id < firstId + serverCount; id++) {
    const value = random.pick(random.chance(12) ? oddServerValues : serverValues)
    members.set(`server.${id}`, value.replaceAll('N', String(id + 1)))
  }
  const isDynamic = serverCount > 0 && random.chance(3)
  if (isDynamic) lines.set('dynamicConfigFile', '@/zoo.cfg.dynamic')
  const text = written(random, isDynamic ? [...lines] : [...lines, ...members])
  const myid = random.chance(8)
    ? random.pick(['', 'x', '9', ' 1', '1 ', '+1', '-1', '0', '01'])
    : String(firstId + random.below(Math.max(1, serverCount)))
  return {
    title: `random ${number}`,
    text,
    ...(isDynamic && { dynamic: written(random, [...members]) }),
    ...((serverCount > 0 || random.chance(3)) && !random.chance(15) && { myid: `${myid}\n` }),
  }
}

function written(random: SeededRandom, entries: readonly (readonly [string, string])[]): string {
  const end = random.chance(5) ? '\r\n' : '\n'
  const lines: string[] = []
  for (const [key, value] of shuffled(random, entries)) {
    if (random.chance(4)) lines.push(random.pick(noise))
    // A blank at the end of a server line has a case of its own.
    const tail = random.chance(10) && !key.startsWith('server.') ? ' ' : ''
    lines.push(`${random.chance(8) ? '  ' : ''}${key}${random.pick(separators)}${continued(random, value)}${tail}`)
  }
  return lines.join(end) + (random.chance(6) ? '' : end)
}

/** An entry, sometimes continued on a second line. */
function continued(random: SeededRandom, value: string): string {
  if (value.length < 4 || !random.chance(10)) return value
  const at = 1 + random.below(value.length - 1)
  return `${value.slice(0, at)}\\\n    ${value.slice(at)}`
}

function shuffled<T>(random: SeededRandom, values: readonly T[]): readonly T[] {
  const result = [...values]
  for (let i = result.length - 1; i > 0; i--) {
    const j = random.below(i + 1)
    ;[result[i], result[j]] = [result[j]!, result[i]!]
  }
  return result
}
