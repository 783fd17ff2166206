/**
 * The identity of a data folder (design D14): one small text file in dataDir, which people may read. It names the
 * server, the cluster, the newest epoch, and the folder of the log. By it a server recognises a log folder that is
 * missing, empty, exchanged or an older copy, and does not serve it as an empty tree. The log decides everything else
 * (design D5): this file is written after the log, and its only effect is that a server refuses to start.
 */
import { crc32c } from '../base/crc32c.ts'
import type { Epoch, ServerId } from '../base/ids.ts'
import type { ClusterId } from '../protocol/disk/log-record.ts'

export interface DataIdentity {
  readonly serverId: ServerId
  readonly clusterId: ClusterId // 0: none yet, or between two clusters (ZabCore.beginSyncWith)
  readonly currentEpoch: Epoch // above 0: the log has held records
  readonly logFolder: string // as configured
  /** The server found the file `initialize`, so its empty log counts (db.autocreate=false). */
  readonly isInitialized: boolean
}

export type IdentityReading =
  | { readonly kind: 'valid'; readonly identity: DataIdentity }
  | { readonly kind: 'missing' }
  | { readonly kind: 'damaged' }
  | { readonly kind: 'newer'; readonly format: string }

const identityFormat = '1'
const heading = '# Written by zkts-server: what this data folder is. Do not edit.'

export function encodeIdentity(identity: DataIdentity): Uint8Array {
  const text = [
    heading,
    `format=${identityFormat}`,
    `server=${identity.serverId}`,
    `cluster=0x${identity.clusterId.toString(16)}`,
    `epoch=${identity.currentEpoch}`,
    `initialized=${identity.isInitialized}`,
    `log=${identity.logFolder}`,
    '',
  ].join('\n')
  return new TextEncoder().encode(`${text}check=${checkOf(text)}\n`)
}

export function readIdentity(bytes: Uint8Array): IdentityReading {
  const text = new TextDecoder().decode(bytes)
  const format = /^#[^\n]*\nformat=([^\n]+)\n/.exec(text)?.[1]
  if (format !== undefined && format !== identityFormat) return { kind: 'newer', format }
  const match =
    /^(#[^\n]*\nformat=1\nserver=(\d+)\ncluster=0x([0-9a-f]+)\nepoch=(\d+)\ninitialized=(true|false)\nlog=([^\n]+)\n)check=([0-9a-f]{8})\n$/.exec(
      text,
    )
  if (match === null || checkOf(match[1]!) !== match[7]) return { kind: 'damaged' }
  return {
    kind: 'valid',
    identity: {
      serverId: Number(match[2]) as ServerId,
      clusterId: Number.parseInt(match[3]!, 16) as ClusterId,
      currentEpoch: Number(match[4]) as Epoch,
      isInitialized: match[5] === 'true',
      logFolder: match[6]!,
    },
  }
}

function checkOf(text: string): string {
  return crc32c(new TextEncoder().encode(text)).toString(16).padStart(8, '0')
}
