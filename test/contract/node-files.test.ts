import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
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
