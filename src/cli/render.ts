/** Renders values of the client as text for users and as JSON for scripts. */

import type { SessionId } from '../base/ids.ts'
import { hexOfSession, hexOfZxid } from '../base/ids.ts'
import type { WatchEvent, ZnodeStat } from '../client/types.ts'

/** With the field names of zkCli, which scripts look for. Times are in ISO form, which sorts and can be parsed. */
export function statLines(stat: ZnodeStat): readonly string[] {
  return [
    `cZxid = ${hexOfZxid(stat.czxid)}`,
    `ctime = ${new Date(stat.ctimeMs).toISOString()}`,
    `mZxid = ${hexOfZxid(stat.mzxid)}`,
    `mtime = ${new Date(stat.mtimeMs).toISOString()}`,
    `pZxid = ${hexOfZxid(stat.pzxid)}`,
    `cversion = ${stat.cversion}`,
    `dataVersion = ${stat.version}`,
    `aclVersion = ${stat.aversion}`,
    `ephemeralOwner = ${hexOfSession(stat.ephemeralOwner as SessionId)}`,
    `dataLength = ${stat.dataLength}`,
    `numChildren = ${stat.numChildren}`,
  ]
}

/** 64-bit values as hexadecimal text, since numbers of JSON would lose digits. */
export function statJson(stat: ZnodeStat): Readonly<Record<string, string | number>> {
  return {
    ...stat,
    czxid: hexOfZxid(stat.czxid),
    mzxid: hexOfZxid(stat.mzxid),
    pzxid: hexOfZxid(stat.pzxid),
    ephemeralOwner: hexOfSession(stat.ephemeralOwner as SessionId),
  }
}

/** `null` for a znode without data. Bytes that are not UTF-8 become base64, so that none is lost. */
export function dataJson(data: Uint8Array | null): { data: string | null; encoding: 'utf8' | 'base64' } {
  if (data === null) return { data: null, encoding: 'utf8' }
  try {
    return { data: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data), encoding: 'utf8' }
  } catch {
    return { data: base64Of(data), encoding: 'base64' }
  }
}

export function dataText(data: Uint8Array | null): string {
  return data === null ? 'null' : new TextDecoder('utf-8', { ignoreBOM: true }).decode(data)
}

/** A znode without data is shown as the word `null`, as `get` does without --base64. */
export function base64Of(data: Uint8Array | null): string {
  if (data === null) return btoa('null')
  let binary = ''
  for (const byte of data) binary += String.fromCharCode(byte)
  return btoa(binary)
}

/** Null: the text is not base64. */
export function bytesOfBase64(text: string): Uint8Array | null {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) return null
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
}

const dumpRule = `+--------+${'-'.repeat(49)}+${'-'.repeat(16)}+`

/** A table with 16 bytes in each row, as zkCli prints it (Netty: ByteBufUtil.prettyHexDump). */
export function hexDump(data: Uint8Array | null): string {
  const bytes = data ?? new TextEncoder().encode('null')
  if (bytes.length === 0) return ''
  const lines = [
    `         +${'-'.repeat(49)}+`,
    `         | ${Array.from({ length: 16 }, (_, i) => ` ${i.toString(16)}`).join(' ')} |`,
    dumpRule,
  ]
  for (let at = 0; at < bytes.length; at += 16) {
    const row = [...bytes.subarray(at, at + 16)]
    const hex = row.map((byte) => ` ${byte.toString(16).padStart(2, '0')}`).join('')
    const text = row.map((byte) => (byte <= 0x1f || byte >= 0x7f ? '.' : String.fromCharCode(byte))).join('')
    lines.push(`|${at.toString(16).padStart(8, '0')}|${hex.padEnd(49)}|${text.padEnd(16)}|`)
  }
  return [...lines, dumpRule].join('\n')
}

export function watchLine(event: WatchEvent): string {
  return `watch: ${event.path} ${event.kind}${event.zxid === null ? '' : ` at ${hexOfZxid(event.zxid)}`}`
}

export function watchJson(event: WatchEvent): Readonly<Record<string, string | null>> {
  return { watch: event.kind, path: event.path, zxid: event.zxid === null ? null : hexOfZxid(event.zxid) }
}

/** The text of zkCli, since scripts look for it. */
export function versionLine(version: string): string {
  return `ZooKeeper CLI version: zkts-${version}\n`
}
