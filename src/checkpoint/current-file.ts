/**
 * The file `current` of a checkpoint folder: one line, the name of the store in use. A reader finds the complete old file
 * or the complete new one: the new one is written and flushed under another name, renamed over the old one, and the folder
 * is flushed. The stores that it does not name are leftovers.
 */
import type { Disk } from '../ports/disk.ts'

export function checkpointFolderOf({ dataDir }: { readonly dataDir: string }): string {
  return `${dataDir}/checkpoint`
}

export const currentFileName = 'current'
/** Exists while `current` is written, and after a crash during that. */
export const currentDraftName = 'current.next'

export type CurrentReading =
  | { readonly kind: 'store'; readonly name: string }
  | { readonly kind: 'missing' }
  | { readonly kind: 'damaged' }

export function storeNameOf(number: number): string {
  return `store-${number}`
}

/** Null if it is not the name of a store. */
export function numberOfStore(name: string): number | null {
  const match = /^store-([1-9]\d{0,8})$/.exec(name)
  return match === null ? null : Number(match[1])
}

export async function readCurrent(disk: Disk, folder: string): Promise<CurrentReading> {
  const path = `${folder}/${currentFileName}`
  if (!(await disk.exists(path))) return { kind: 'missing' }
  const file = await disk.open(path, 'read')
  try {
    const text = new TextDecoder().decode(await file.read(0, await file.sizeBytes()))
    const name = text.endsWith('\n') ? text.slice(0, -1) : ''
    return numberOfStore(name) === null ? { kind: 'damaged' } : { kind: 'store', name }
  } finally {
    await file.close()
  }
}

/** Durable when it resolves, and so is the entry of the store's folder. After a failure either store may be current. */
export async function writeCurrent(disk: Disk, folder: string, name: string): Promise<void> {
  const draft = `${folder}/${currentDraftName}`
  if (await disk.exists(draft)) await disk.remove(draft)
  const file = await disk.open(draft, 'create-new')
  try {
    await file.writeDurably(0, [new TextEncoder().encode(`${name}\n`)])
  } finally {
    await file.close()
  }
  await disk.syncDirectory(folder)
  await disk.rename(draft, `${folder}/${currentFileName}`)
  await disk.syncDirectory(folder)
}

export async function removeCurrent(disk: Disk, folder: string): Promise<void> {
  const path = `${folder}/${currentFileName}`
  if (!(await disk.exists(path))) return
  await disk.remove(path)
  await disk.syncDirectory(folder)
}

/** What a text that finds no checkpoint adds if stores are in its folder; empty if none is. */
export async function describeNamelessStores(disk: Disk, folder: string): Promise<string> {
  const path = `${folder}/${currentFileName}`
  if (!(await disk.exists(folder)) || (await disk.exists(path))) return ''
  const names = (await disk.list(folder)).filter((name) => numberOfStore(name) !== null).sort()
  if (names.length === 0) return ''
  return (
    ` ${folder} has ${names.join(' and ')}, but the file ${path}, which names the store in use, is missing, so no checkpoint was read. ` +
    'If it was removed, bring it back: one line, the name of the store.'
  )
}
