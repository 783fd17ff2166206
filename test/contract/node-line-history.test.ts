import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { nodeLineHistory } from '../../src/io/node-line-history.ts'

let folder = ''
let path = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zkts-history-'))
  path = join(folder, 'history')
})

afterEach(() => rmSync(folder, { recursive: true }))

it('a history without a file is empty', async () => {
  expect(await nodeLineHistory(path, 10).load()).toEqual([])
})

it('lines of two shells are stored in the order of their arrival, and only the owner may read them', async () => {
  const [one, two] = [nodeLineHistory(path, 10), nodeLineHistory(path, 10)]
  await one.append('ls /')
  await two.append('get /a')
  await one.append('quit')
  expect(await two.load()).toEqual(['ls /', 'get /a', 'quit'])
  expect(statSync(path).mode & 0o777).toBe(0o600)
})

it('a history that others may read becomes private with the next line', async () => {
  writeFileSync(path, 'old\n')
  chmodSync(path, 0o644)
  await nodeLineHistory(path, 10).append('new')
  expect([statSync(path).mode & 0o777, readFileSync(path, 'utf8')]).toEqual([0o600, 'old\nnew\n'])
})

it('loading drops the oldest lines beyond the limit from the file', async () => {
  writeFileSync(path, '1\n2\n3\n4\n')
  expect(await nodeLineHistory(path, 2).load()).toEqual(['3', '4'])
  expect([statSync(path).mode & 0o777, readFileSync(path, 'utf8')]).toEqual([0o600, '3\n4\n'])
})

it('a history that cannot be written rejects with the reason', async () => {
  await expect(nodeLineHistory(folder, 10).append('x')).rejects.toThrow(/EISDIR/)
})
