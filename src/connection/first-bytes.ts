/**
 * Classifies the first four bytes of a connection. A ZooKeeper client sends the length of its connect request; an
 * operator types a four-letter word; any other program has the wrong port, and the log line says so.
 * Words are recognised only here: after the connect request the same bytes are an impossible frame length
 * (ZK: NIOServerCnxn.readLength, checkFourLetterWord).
 */
import { type AdminWord, adminWords } from '../base/admin-words.ts'
import { assert } from '../base/assert.ts'
import type { CloseReason } from './close-reason.ts'

export type FirstBytes =
  | { readonly kind: 'frame'; readonly sizeBytes: number }
  | { readonly kind: 'four-letter-word'; readonly word: AdminWord }
  | { readonly kind: 'refused'; readonly reason: CloseReason }

const httpStarts = ['GET ', 'POST', 'HEAD', 'PUT ', 'DELE', 'OPTI', 'PATC', 'CONN', 'TRAC', 'PRI ']
const telnetInterrupt = 0xfff4fffd | 0
const tlsHandshake = 0x1603 // record type handshake, major version 3

const wordByInt: ReadonlyMap<number, AdminWord> = new Map(adminWords.map((word) => [intOf(word), word]))
const httpInts: ReadonlySet<number> = new Set(httpStarts.map(intOf))

/** `first` is the first four bytes as an int32. */
export function classifyFirstBytes(first: number, frameSizeBytesMax: number): FirstBytes {
  const word = wordByInt.get(first)
  if (word !== undefined) return { kind: 'four-letter-word', word }
  if (first >= 0 && first <= frameSizeBytesMax) return { kind: 'frame', sizeBytes: first }
  return { kind: 'refused', reason: refusalOf(first) }
}

function refusalOf(first: number): CloseReason {
  if (first === telnetInterrupt) return 'telnet-interrupt'
  if (httpInts.has(first)) return 'http-on-client-port'
  if (first >>> 16 === tlsHandshake) return 'tls-on-client-port'
  if (isText(first)) return 'unknown-four-letter-word-or-garbage'
  return first < 0 ? 'frame-negative' : 'frame-too-large'
}

function isText(first: number): boolean {
  for (let shift = 0; shift < 32; shift += 8) {
    const byte = (first >>> shift) & 0xff
    const isPrintable = (byte >= 0x20 && byte < 0x7f) || byte === 0x0a || byte === 0x0d || byte === 0x09
    if (!isPrintable) return false
  }
  return true
}

function intOf(word: string): number {
  assert(word.length === 4, 'a four-letter word has four letters', { word })
  let value = 0
  for (let i = 0; i < 4; i++) value = (value << 8) | word.charCodeAt(i)
  return value
}
