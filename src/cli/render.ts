/** Values of the client as text for people and as JSON for scripts. */

import type { SessionId } from '../base/ids.ts'
import { hexOfSession, hexOfZxid } from '../base/ids.ts'
import type { WatchEvent, ZnodeStat } from '../client/types.ts'

/** The field names of zkCli, which people and scripts know. Times are ISO, so that they sort and can be parsed. */
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

/** 64-bit values as hexadecimal text: JSON numbers would lose digits. */
export function statJson(stat: ZnodeStat): Readonly<Record<string, string | number>> {
  return {
    ...stat,
    czxid: hexOfZxid(stat.czxid),
    mzxid: hexOfZxid(stat.mzxid),
    pzxid: hexOfZxid(stat.pzxid),
    ephemeralOwner: hexOfSession(stat.ephemeralOwner as SessionId),
  }
}

/** `null` for a znode without data; bytes that are no UTF-8 as base64, so that nothing is lost. */
export function dataJson(data: Uint8Array | null): { data: string | null; encoding: 'utf8' | 'base64' } {
  if (data === null) return { data: null, encoding: 'utf8' }
  try {
    return { data: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data), encoding: 'utf8' }
  } catch {
    return { data: btoa(String.fromCharCode(...data)), encoding: 'base64' }
  }
}

export function dataText(data: Uint8Array | null): string {
  return data === null ? 'null' : new TextDecoder('utf-8', { ignoreBOM: true }).decode(data)
}

export function watchLine(event: WatchEvent): string {
  return `watch: ${event.path} ${event.kind}${event.zxid === null ? '' : ` at ${hexOfZxid(event.zxid)}`}`
}

export function watchJson(event: WatchEvent): Readonly<Record<string, string | null>> {
  return { watch: event.kind, path: event.path, zxid: event.zxid === null ? null : hexOfZxid(event.zxid) }
}
