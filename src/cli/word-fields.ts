/**
 * Parses the text of four-letter words into fields, for --json. It knows only the forms of the texts: lines with key
 * and value, single tokens, lines of connections, indented lists. Text of any other form stays text.
 */
import type { AdminWord } from '../base/admin-words.ts'
import { fieldsOfDump } from './dump-fields.ts'

type Scalars = Readonly<Record<string, string | number>>
type Lists = Readonly<Record<string, readonly string[]>>
export type WordFields = Readonly<Record<string, unknown>>

export function fieldsOfWord(word: AdminWord, text: string): WordFields {
  switch (word) {
    case 'mntr':
      return fieldsOfLines(text, '\t')
    case 'conf':
    case 'envi':
      return fieldsOfLines(text, '=')
    case 'srvr':
    case 'stat':
      return { ...fieldsOfLines(text, ': '), ...(word === 'stat' ? { Clients: connectionsOf(text) } : {}) }
    case 'ckpt':
    case 'dirs':
      return fieldsOfLines(text, ': ')
    case 'cons':
      return { connections: connectionsOf(text) }
    case 'dump':
      return { ...fieldsOfDump(text) }
    case 'wchs':
      return watchCountsOf(text)
    case 'wchc':
      return { paths: listsOf(text) }
    case 'wchp':
      return { sessions: listsOf(text) }
    case 'hash':
      return { digests: digestsOf(text) }
    case 'gtmk':
    case 'stmk':
      return { traceMask: numberOrText(text) }
    case 'rqld':
    case 'ydld':
      return sentOrFailed(text)
    case 'isro':
      return { mode: text.trimEnd() }
    default:
      return { text: text.trimEnd() }
  }
}

function sentOrFailed(text: string): WordFields {
  const [said = '', problem] = text.trimEnd().split('\n')
  return problem === undefined ? { text: said } : { text: said, problem }
}

function fieldsOfLines(text: string, separator: string): Scalars {
  const fields: Record<string, string | number> = {}
  for (const line of text.split('\n')) {
    const at = line.indexOf(separator)
    if (at > 0 && !line.startsWith(' ')) fields[line.slice(0, at)] = numberOrText(line.slice(at + separator.length))
  }
  return fields
}

/** ` /127.0.0.1:59906[1](queued=0,recved=6,…)` */
const connectionLine = /^ \/(.+):(\d+)\[([0-9a-f]+)\]\((.*)\)$/

function connectionsOf(text: string): readonly Scalars[] {
  const connections: Scalars[] = []
  for (const line of text.split('\n')) {
    const match = connectionLine.exec(line)
    if (match === null) continue
    const [, address = '', port = '', interestOps = '', counters = ''] = match
    const pairs = counters.split(',').map((pair) => pair.split('='))
    const fields = pairs.map(([key = '', value = '']) => [key, numberOrText(value)] as const)
    connections.push({
      address,
      port: Number(port),
      interestOps: Number.parseInt(interestOps, 16),
      ...Object.fromEntries(fields),
    })
  }
  return connections
}

function watchCountsOf(text: string): WordFields {
  const match = /^(\d+) connections watching (\d+) paths\nTotal watches:(\d+)/.exec(text)
  if (match === null) return { text: text.trimEnd() }
  const [connections, paths, watches] = match.slice(1).map(Number)
  return { connections, paths, watches }
}

/** Each line without indentation is a key; the indented lines after it are its list. */
function listsOf(text: string): Lists {
  const lists: Record<string, string[]> = {}
  let current: string[] = []
  for (const line of text.split('\n')) {
    if (line.startsWith('\t')) {
      current.push(line.slice(1))
    } else if (line !== '') {
      current = []
      lists[line] = current
    }
  }
  return lists
}

/** Digests stay text: they have 64 bits, and a number of JSON would lose digits. */
function digestsOf(text: string): readonly Scalars[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [zxid = '', digest = ''] = line.split(': ')
      return { zxid: `0x${zxid}`, digest }
    })
}

function numberOrText(value: string): string | number {
  return /^-?\d{1,15}(\.\d+)?$/.test(value) ? Number(value) : value
}
