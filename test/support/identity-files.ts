/** Identity files as a server may find them: of an earlier version, or damaged. */
import { crc32c } from '../../src/base/crc32c.ts'
import type { DataIdentity } from '../../src/storage/data-identity.ts'
import { readIdentityFile } from '../../src/storage/identity-file.ts'
import type { SimDisk } from '../simulator/sim-disk.ts'

/** Format 1: one text, which cannot be overwritten. */
export function encodeIdentity1(identity: DataIdentity, inode: string): Uint8Array {
  const { walMark, members } = identity
  const text = [
    '# Written by zkts-server: what this data folder is. Do not edit.',
    'format=1',
    `server=${identity.serverId}`,
    `cluster=0x${identity.clusterId.toString(16)}`,
    `epoch=${identity.currentEpoch}`,
    `initialized=${identity.isInitialized}`,
    `segment=${identity.newestSegment}`,
    `members=${members!.join(',')}`,
    `log=${identity.walFolder}`,
    `loginode=${walMark!.inode}`,
    `logbirth=${walMark!.birth ?? 'unknown'}`,
    `inode=${inode}`,
    '',
  ].join('\n')
  const check = crc32c(new TextEncoder().encode(text)).toString(16).padStart(8, '0')
  return new TextEncoder().encode(`${text}check=${check}\n`)
}

/** The identity of a server of the previous version, which says the same. */
export async function placeIdentity1(disk: SimDisk, dataDir: string): Promise<void> {
  const reading = await readIdentityFile(disk, dataDir)
  if (reading.kind !== 'valid') throw new Error(`the identity is ${reading.kind}`)
  const path = `${dataDir}/identity`
  disk.placeAtOnce(path)
  const { inode } = await disk.identityOf(path)
  const file = await disk.open(path, 'read-write')
  await file.writeDurably(0, [encodeIdentity1(reading.identity, inode)])
  await file.close()
}

/** Both slots: the server has one that it can read otherwise. */
export function damageIdentity(disk: SimDisk, path: string): void {
  const slotSizeBits = disk.contents(path).length * 4
  disk.flipBit(path, 1000)
  disk.flipBit(path, slotSizeBits + 1000)
}
