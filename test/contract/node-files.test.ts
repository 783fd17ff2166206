import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readTextFile } from '../../src/io/node-files.ts'

const folder = mkdtempSync(join(tmpdir(), 'zkts-files-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test.each([
  ['UTF-8', Buffer.from('dataDir=/donn\u00e9es', 'utf8')],
  ['Latin-1, as Java reads properties files,', Buffer.from('dataDir=/donn\u00e9es', 'latin1')],
])('a text in %s is read as it was written', async (name, bytes) => {
  const path = join(folder, name.slice(0, 5))
  writeFileSync(path, bytes)
  expect(await readTextFile(path)).toBe('dataDir=/donn\u00e9es')
})

test('a file that does not exist has no text, and another failure has the code of the system', async () => {
  expect(await readTextFile(join(folder, 'none'))).toBeNull()
  await expect(readTextFile(folder)).rejects.toMatchObject({ code: 'EISDIR' })
})

test('the text of a FIFO is read until its writers have closed it, where a pipe is accepted', async () => {
  const path = join(folder, 'fifo')
  execFileSync('mkfifo', [path])
  const reading = readTextFile(path)
  await writeFile(path, 'dataDir=/fifo')
  expect(await reading).toBe('dataDir=/fifo')
  await expect(readTextFile(path, 'file')).rejects.toMatchObject({ code: 'EFTYPE' })
})

test('a device is refused, since its text may have no end', async () => {
  await expect(readTextFile('/dev/zero')).rejects.toMatchObject({
    code: 'EFTYPE',
    message: '/dev/zero is a device, and this server needs a regular file with this name',
  })
})
