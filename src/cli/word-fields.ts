/**
 * The text of four-letter words as fields, for --json. Only the shapes are known here, not the words' meaning:
 * key and value lines, single tokens, connection lines. What fits no shape stays text.
 */
import type { AdminWord } from '../base/admin-words.ts'

export type FieldValue = string | number | readonly ConnectionFields[] | Readonly<Record<string, string | number>>
type ConnectionFields = Readonly<Record<string, string | number>>

export function fieldsOfWord(word: AdminWord, text: string): Readonly<Record<string, FieldValue>> {
  switch (word) {
    case 'mntr':
      return fieldsOfLines(text, '\t')
    case 'conf':
    case 'envi':
      return fieldsOfLines(text, '=')
    case 'srvr':
    case 'stat':
      return { ...fieldsOfLines(text, ': '), ...(word === 'stat' ? { Clients: connectionsOf(text) } : {}) }
    case 'cons':
      return { connections: connectionsOf(text) }
    default:
      return { text: text.trimEnd() }
  }
}

function fieldsOfLines(text: string, separator: string): Readonly<Record<string, string | number>> {
  const fields: Record<string, string | number> = {}
  for (const line of text.split('\n')) {
    const at = line.indexOf(separator)
    if (at > 0 && !line.startsWith(' ')) fields[line.slice(0, at)] = numberOrText(line.slice(at + separator.length))
  }
  return fields
}

/** ` /127.0.0.1:59906[1](queued=0,recved=6,…)` */
const connectionLine = /^ \/(.+):(\d+)\[([0-9a-f]+)\]\((.*)\)$/

function connectionsOf(text: string): readonly ConnectionFields[] {
  const connections: ConnectionFields[] = []
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

function numberOrText(value: string): string | number {
  return /^-?\d{1,15}(\.\d+)?$/.test(value) ? Number(value) : value
}
