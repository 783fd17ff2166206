/**
 * The intended differences in configuration: a file starts only one of the two servers, or starts them with different
 * settings. Each rule accepts exactly one. docs/reference/differences.md shows this table; a file that differs in a way
 * that no rule accepts fails the run.
 */
import type { ConfigCase } from './config-cases.ts'

/** The outcome of one comparison: the refusals, if any, and the names of the settings that differ. */
export interface ConfigDifference {
  readonly given: ConfigCase
  readonly theirRefusal: string | null
  readonly ourRefusals: readonly string[] | null
  readonly fields: readonly string[]
  /** Whether our value of each differing field is the largest int. */
  readonly areCapped: boolean
}

export interface ConfigRule {
  readonly name: string
  readonly what: string
  readonly zookeeper: string
  readonly zkts: string
  readonly why: string
  /** Our error, for files that only zkts refuses. Other files are accepted by `accepts`. */
  readonly refusal?: RegExp
  readonly accepts?: (difference: ConfigDifference) => boolean
}

/** The rules that accept a difference together; null if they do not. */
export function rulesFor(difference: ConfigDifference): readonly ConfigRule[] | null {
  const { theirRefusal, ourRefusals } = difference
  if (theirRefusal !== null || ourRefusals === null) {
    const rule = configRules.find((each) => each.accepts?.(difference) === true)
    return rule === undefined ? null : [rule]
  }
  const rules = ourRefusals.map((line) => configRules.find((each) => each.refusal?.test(line) === true))
  return rules.every((rule) => rule !== undefined) ? rules : null
}

/** Accepts a file that zkts starts with and ZooKeeper refuses with this error. */
function taking(refusal: RegExp, isSuch: (given: ConfigCase) => boolean): NonNullable<ConfigRule['accepts']> {
  return ({ given, theirRefusal, ourRefusals }) =>
    theirRefusal !== null && ourRefusals === null && refusal.test(theirRefusal) && isSuch(given)
}

export const configRules: readonly ConfigRule[] = [
  {
    name: 'not-supported-yet',
    what: 'Observers, groups, `peerType=observer`, TLS or SASL between servers, a port for TLS alone',
    zookeeper: 'starts with them',
    zkts: 'refuses to start, and names the line',
    why: 'they are not supported yet, and an ensemble without them would be a different one',
    refusal: /not supported yet|would leave the connections between servers open/,
  },
  {
    name: 'server-ids-of-a-byte',
    what: 'Server ids below 0 or above 254',
    zookeeper: 'takes any number of 64 bits',
    zkts: 'refuses to start',
    why: 'the id is the first byte of every session id; servers that share the byte make the same ids',
    refusal: /a server id is a number from 0 to 254/,
  },
  {
    name: 'one-line-for-each-server',
    what: 'Two lines for one server, or two servers at one address',
    zookeeper: 'takes one of the lines; starts and finds no peer at the address',
    zkts: 'refuses to start',
    why: 'it is a mistake, and the number of voters depends on it',
    refusal: /there are two lines for server|is already used by/,
  },
  {
    name: 'server-lines-without-a-host',
    what: 'A server line without a host, or with port 0 between servers, or with something after `]` that is no colon',
    zookeeper: 'takes the loopback address, or a port that no peer can know',
    zkts: 'refuses to start',
    why: 'the other servers could not reach it',
    refusal: /the host is missing|the host before the client port is missing|numbers from 1 to 65535|brackets around/,
  },
  {
    name: 'values-below-one',
    what: 'A `tickTime`, `initLimit` or `syncLimit` below 0, or a `maxSessionTimeout` below 1 other than -1',
    zookeeper: 'starts, and never serves a session',
    zkts: 'refuses to start',
    why: 'a server that cannot serve should say so',
    refusal: /^\S+ (tickTime|initLimit|syncLimit)=-\d+: not a whole number in range|a session cannot last/,
  },
  {
    name: 'empty-client-address',
    what: 'An empty `clientPortAddress`',
    zookeeper: 'serves clients on the loopback address',
    zkts: 'refuses to start',
    why: 'the operator has to choose between the loopback address and every address',
    refusal: /clientPortAddress=: there is no address/,
  },
  {
    name: 'a-port-for-clients',
    what: 'No port for clients, in zoo.cfg or in the server line',
    zookeeper: 'starts, and serves no client',
    zkts: 'refuses to start',
    why: 'a server without clients is a mistake',
    refusal: /there is no port for clients/,
  },
  {
    name: 'lines-twice-in-two-spellings',
    what: 'A host name beside an address: `clientPortAddress` and the server line',
    zookeeper: 'asks a name server, and refuses if they differ',
    zkts: 'warns, and takes the server line',
    why: 'a start should not depend on a name server for a setting that has no effect',
    accepts: taking(/is different from client address found in dynamic file/, ({ text }) =>
      /clientPortAddress/.test(text),
    ),
  },
  {
    name: 'blanks-around-parts',
    what: 'Blanks in a server line, at its end, or around the number in myid',
    zookeeper: 'refuses to start: "Address unresolved", "is not a number"',
    zkts: 'trims them',
    why: 'they are invisible and have no meaning',
    accepts: taking(
      /Address unresolved|serverid {1,}\S* is not a number|serverid \S+ {1,}is not a number/,
      ({ text, dynamic = '', myid = '' }) => /server\..*[ \t]/.test(`${text}\n${dynamic}`) || /^ | \n/.test(myid),
    ),
  },
  {
    name: 'a-weight-of-one',
    what: '`weight.N=1` without groups',
    zookeeper: 'refuses to start: "Server 1 is not in a group"',
    zkts: 'takes it',
    why: 'it changes nothing',
    accepts: taking(/is not in a group|is not in a group/, ({ text }) => /weight\.\d+=1/.test(text)),
  },
  {
    name: 'trunk-takes-a-tls-port',
    what: 'A server line with a third part, the port for TLS',
    zookeeper: '3.9.5 refuses to start, trunk takes it',
    zkts: 'takes the plain port, and leaves the other closed',
    why: 'as on trunk; TLS is not supported yet',
    accepts: taking(/does not have the form server_config/, ({ text, dynamic = '' }) =>
      /;[^;\n]*;[^;\n]+/.test(`${text}\n${dynamic}`),
    ),
  },
  {
    name: 'utf-8',
    what: 'Characters beyond ASCII in zoo.cfg, and a mark of byte order at its beginning',
    zookeeper: 'reads Latin-1: a path in UTF-8 becomes another path, and the mark becomes a part of the first key',
    zkts: 'reads UTF-8 and skips the mark; what is no UTF-8 is read as Latin-1; a file in UTF-16 or with bytes of value 0 is refused',
    why: 'a path should be the one that was written',
    accepts: ({ given, theirRefusal, ourRefusals, fields }) =>
      ourRefusals === null &&
      (theirRefusal === null
        ? fields.every((field) => field === 'dataDir' || field === 'dataLogDir') && /[^\0-\x7f]/.test(given.text)
        : given.text.startsWith('\ufeffdataDir') && /dataDir is not set/.test(theirRefusal)),
  },
  {
    name: 'port-of-the-only-line',
    what: 'One server line that has a port for clients, no `clientPort`, and no myid that names it',
    zookeeper: 'starts standalone and serves no client',
    zkts: 'serves on the port of the line',
    why: 'the only line must be that of the only server',
    accepts: ({ theirRefusal, ourRefusals, fields }) =>
      theirRefusal === null && ourRefusals === null && fields.length === 1 && fields[0] === 'client',
  },
  {
    name: 'products-above-an-int',
    what: 'Ticks times a limit above 2,147,483,647 ms',
    zookeeper: 'overflows: the time becomes a different one, possibly below 0',
    zkts: 'takes 2,147,483,647 ms',
    why: 'the operator wants a long time',
    refusal: /is above the longest/,
    accepts: ({ given, ourRefusals, theirRefusal, fields, areCapped }) =>
      ourRefusals === null &&
      (theirRefusal === null
        ? areCapped && fields.every((field) => /SessionTimeout|Limit/.test(field))
        : /minSessionTimeout must not be larger/.test(theirRefusal) && /tickTime\W+\+?\d{9}/.test(given.text)),
  },
]
