/** The contract of every `Disk`; the real one and the simulated one both pass it. */
import { expect, test } from 'vitest'
import type { Disk } from '../../src/ports/disk.ts'

export interface DiskUnderTest {
  readonly disk: Disk
  readonly folder: string // exists, empty
  /** As by `cp -r`. */
  readonly copyFolder: (from: string, to: string) => Promise<void>
  readonly dispose: () => Promise<void>
}

const bytesOf = (...values: number[]): Uint8Array => Uint8Array.from(values)

export function diskContract(twin: string, make: () => Promise<DiskUnderTest>): void {
  const check = (title: string, body: (disk: Disk, folder: string, rig: DiskUnderTest) => Promise<void>): void => {
    test(`${twin}: ${title}`, async () => {
      const rig = await make()
      try {
        await body(rig.disk, rig.folder, rig)
      } finally {
        await rig.dispose()
      }
    })
  }

  check('written bytes are read back, by `write` and by `writeDurably`', async (disk, folder) => {
    const file = await disk.open(`${folder}/a`, 'create-new')
    await file.write(0, [bytesOf(1, 2), bytesOf(), bytesOf(3)])
    await file.writeDurably(3, [bytesOf(4, 5)])
    await file.writeDurably(1, [bytesOf(9)])
    expect([...(await file.read(0, 100))]).toEqual([1, 9, 3, 4, 5])
    expect([...(await file.read(2, 2))]).toEqual([3, 4])
    expect(await file.read(5, 10)).toHaveLength(0)
    await file.sync()
    expect(await file.sizeBytes()).toBe(5)
    await file.close()
    const again = await disk.open(`${folder}/a`, 'read')
    expect(again.path).toBe(`${folder}/a`)
    expect([...(await again.read(0, 5))]).toEqual([1, 9, 3, 4, 5])
    await again.close()
  })

  check('a gap left by a write reads as zeros', async (disk, folder) => {
    const file = await disk.open(`${folder}/gap`, 'create-new')
    await file.write(600, [bytesOf(7)])
    const bytes = await file.read(0, 1000)
    expect(bytes).toHaveLength(601)
    expect(bytes.findIndex((byte) => byte !== 0)).toBe(600)
    await file.close()
  })

  check('many chunks arrive as one run of bytes', async (disk, folder) => {
    const file = await disk.open(`${folder}/chunks`, 'create-new')
    await file.writeDurably(
      0,
      Array.from({ length: 2500 }, (_, i) => bytesOf(i % 251, i % 13)),
    )
    const bytes = await file.read(0, 10_000)
    expect([...bytes]).toEqual(Array.from({ length: 2500 }, (_, i) => [i % 251, i % 13]).flat())
    await file.close()
  })

  check('a file that was cut and grown again has zeros in place of the old bytes', async (disk, folder) => {
    const file = await disk.open(`${folder}/cut`, 'create-new')
    await file.write(0, [bytesOf(1, 2, 3, 4)])
    await file.truncate(1)
    expect(await file.sizeBytes()).toBe(1)
    await file.truncate(3)
    expect([...(await file.read(0, 9))]).toEqual([1, 0, 0])
    await file.close()
  })

  check('opening fails with the code of the reason', async (disk, folder) => {
    await expect(disk.open(`${folder}/none`, 'read')).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(disk.open(`${folder}/none`, 'read-write')).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(disk.open(`${folder}/no/where`, 'create-new')).rejects.toMatchObject({ code: 'ENOENT' })
    await (await disk.open(`${folder}/one`, 'create-new')).close()
    await expect(disk.open(`${folder}/one`, 'create-new')).rejects.toMatchObject({ code: 'EEXIST' })
    await expect(disk.list(`${folder}/none`)).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(disk.remove(`${folder}/none`)).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(disk.rename(`${folder}/none`, `${folder}/x`)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  check('a file opened for reading cannot be written', async (disk, folder) => {
    await (await disk.open(`${folder}/r`, 'create-new')).close()
    const file = await disk.open(`${folder}/r`, 'read')
    await expect(file.write(0, [bytesOf(1)])).rejects.toMatchObject({ code: 'EBADF' })
    await expect(file.writeDurably(0, [bytesOf(1)])).rejects.toMatchObject({ code: 'EBADF' })
    await file.close()
  })

  check('a closed file refuses to be read', async (disk, folder) => {
    const file = await disk.open(`${folder}/closed`, 'create-new')
    await file.close()
    await expect(file.read(0, 1)).rejects.toMatchObject({ code: 'EBADF' })
  })

  check('folders list their files and folders by name', async (disk, folder) => {
    await disk.makeFolder(`${folder}/deep/er`)
    await disk.makeFolder(`${folder}/deep/er`)
    for (const name of ['b', 'a', 'c']) await (await disk.open(`${folder}/deep/${name}`, 'create-new')).close()
    await disk.rename(`${folder}/deep/c`, `${folder}/deep/b`)
    await disk.syncDirectory(`${folder}/deep`)
    expect(await disk.list(`${folder}/deep`)).toEqual(['a', 'b', 'er'])
    await disk.remove(`${folder}/deep/a`)
    expect(await disk.exists(`${folder}/deep/a`)).toBe(false)
    expect(await disk.exists(`${folder}/deep/b`)).toBe(true)
    expect(await disk.exists(`${folder}/deep/er`)).toBe(true)
    expect(await disk.list(`${folder}/deep/er`)).toEqual([])
  })

  check(
    'a file or folder keeps its identity under another name, and a copy has another one',
    async (disk, folder, rig) => {
      await disk.makeFolder(`${folder}/a`)
      await (await disk.open(`${folder}/a/file`, 'create-new')).close()
      const [ofFolder, ofFile] = [await disk.identityOf(`${folder}/a`), await disk.identityOf(`${folder}/a/file`)]
      expect(ofFile).not.toEqual(ofFolder)
      await disk.rename(`${folder}/a/file`, `${folder}/a/renamed`)
      expect((await disk.identityOf(`${folder}/a/renamed`)).inode).toBe(ofFile.inode)
      expect((await disk.identityOf(`${folder}/a/`)).inode).toBe(ofFolder.inode)
      await rig.copyFolder(`${folder}/a`, `${folder}/copy`)
      expect((await disk.identityOf(`${folder}/copy`)).inode).not.toBe(ofFolder.inode)
      expect((await disk.identityOf(`${folder}/copy/renamed`)).inode).not.toBe(ofFile.inode)
      await expect(disk.identityOf(`${folder}/nothing`)).rejects.toMatchObject({ code: 'ENOENT' })
    },
  )

  check('a folder has one owner at a time, and its lock is not listed', async (disk, folder) => {
    const lock = await disk.lock(folder)
    await expect(disk.lock(folder)).rejects.toMatchObject({ code: 'ELOCKED' })
    expect(await disk.list(folder)).toEqual([])
    expect(lock.isCopy).toBe(false)
    await lock.release()
    const again = await disk.lock(folder)
    expect(again.isCopy).toBe(false)
    await again.release()
  })

  check(
    'a folder that was copied while it was locked is free, and is recognised as a copy',
    async (disk, folder, rig) => {
      await disk.makeFolder(`${folder}/original`)
      const held = await disk.lock(`${folder}/original`)
      await (await disk.open(`${folder}/original/file`, 'create-new')).close()
      await rig.copyFolder(`${folder}/original`, `${folder}/copy`)
      const lock = await disk.lock(`${folder}/copy`)
      expect(lock.isCopy).toBe(true)
      expect(await disk.list(`${folder}/copy`)).toEqual(['file'])
      await expect(disk.lock(`${folder}/copy`)).rejects.toMatchObject({ code: 'ELOCKED' })
      await lock.release()
      expect((await disk.lock(`${folder}/copy`)).isCopy).toBe(false)
      await expect(disk.lock(`${folder}/original`)).rejects.toMatchObject({ code: 'ELOCKED' })
      await held.release()
    },
  )
}

/** For a file system that cannot flush a folder. `make` returns a disk that accepts that, or one that does not. */
export function unflushableFolderContract(
  twin: string,
  make: (requiresDirectorySync: boolean) => Promise<DiskUnderTest>,
): void {
  test(`${twin}: a file system that cannot flush folders is refused with advice, if a flush is required`, async () => {
    const { disk, folder, dispose } = await make(true)
    await expect(disk.syncDirectory(folder)).rejects.toMatchObject({ code: 'ENODIRSYNC' })
    await expect(disk.makeFolder(`${folder}/new`)).rejects.toMatchObject({ code: 'ENODIRSYNC' })
    await dispose()
  })

  test(`${twin}: a file system that cannot flush folders can be used if that is accepted`, async () => {
    const { disk, folder, dispose } = await make(false)
    await disk.makeFolder(`${folder}/new/er`)
    await disk.syncDirectory(`${folder}/new/er`)
    await expect(disk.syncDirectory(`${folder}/none`)).rejects.toMatchObject({ code: 'ENOENT' })
    await dispose()
  })
}
