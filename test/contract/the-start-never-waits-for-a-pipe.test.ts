/** Opening a FIFO waits for its other side. A thread that waits there would also keep the process from ending. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '../support/free-ports.ts'
import { scratchFolder, startServerProcess } from './server-process.ts'

function folderWithPipe(...names: readonly string[]): { readonly folder: string; readonly pipe: string } {
  const folder = scratchFolder()
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const pipe = join(folder, ...names)
  mkdirSync(join(pipe, '..'), { recursive: true })
  execFileSync('mkfifo', [pipe])
  return { folder, pipe }
}

/** The exit status, and what was written to standard error. */
async function outcomeWith(args: readonly string[]): Promise<readonly [number | null, string]> {
  const { child } = await startServerProcess({ args })
  let text = ''
  child.stderr!.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  const [code] = await once(child, 'close')
  return [code, text]
}

test('a signal ends a start that waits for the text of its configuration from a FIFO', async () => {
  const { pipe } = folderWithPipe('zoo.cfg')
  const server = await startServerProcess({ args: ['--config', pipe] })
  const writer = await open(pipe, 'w') // waits until the server has opened it
  expect(await server.stop()).toBe(0)
  await writer.close()
})

test('a log file that is a FIFO without a reader is refused at once', async () => {
  const { pipe } = folderWithPipe('server.log')
  const [code, text] = await outcomeWith(['--log-file', pipe])
  expect([code, text]).toEqual([2, expect.stringContaining(`--log-file: ${pipe} is a named pipe (FIFO)`)])
})

test('a FIFO in the place of a file of the data folder is refused and named', async () => {
  const { folder, pipe } = folderWithPipe('data', 'identity')
  const config = join(folder, 'zoo.cfg')
  writeFileSync(config, `dataDir=${folder}/data\nclientPort=${await freePort()}\nclientPortAddress=127.0.0.1\n`)
  const [code, text] = await outcomeWith(['--config', config])
  expect(code).toBe(3)
  expect(text).toContain(`${pipe} is a named pipe (FIFO), and this server needs a regular file with this name`)
  expect(text).toContain('Bring the file back if it was moved; otherwise move what has its name away.')
})
