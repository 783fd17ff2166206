import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { descriptorOutput } from '../../src/io/descriptor-output.ts'
import { scratchFolder, startServerProcess } from './server-process.ts'

const { O_RDWR, O_NONBLOCK, O_WRONLY } = constants

/** A pipe that is open and full, and that no process reads. */
function fullPipe(): { readonly writeEnd: number; fill(): void; drain(): string; close(): void } {
  const folder = scratchFolder()
  const path = join(folder, 'pipe')
  execFileSync('mkfifo', [path])
  const holder = openSync(path, O_RDWR | O_NONBLOCK)
  const writeEnd = openSync(path, O_WRONLY)
  const fill = (): void => {
    for (const sizeBytes of [4096, 1]) while (hasRoom(holder, sizeBytes));
  }
  fill()
  return {
    writeEnd,
    fill,
    drain: () => drained(holder),
    close() {
      closeSync(holder)
      closeSync(writeEnd)
      rmSync(folder, { recursive: true })
    },
  }
}

function pipeWithoutReader(): { readonly writeEnd: number; close(): void } {
  const folder = scratchFolder()
  const path = join(folder, 'pipe')
  execFileSync('mkfifo', [path])
  const reader = openSync(path, O_RDWR)
  const writeEnd = openSync(path, O_WRONLY)
  closeSync(reader)
  return {
    writeEnd,
    close() {
      closeSync(writeEnd)
      rmSync(folder, { recursive: true })
    },
  }
}

function fullDisk(): { readonly writeEnd: number; close(): void } {
  const writeEnd = openSync('/dev/full', O_WRONLY)
  return { writeEnd, close: () => closeSync(writeEnd) }
}

function hasRoom(pipe: number, sizeBytes: number): boolean {
  try {
    writeSync(pipe, Buffer.alloc(sizeBytes, '.'))
    return true
  } catch {
    return false
  }
}

function drained(pipe: number): string {
  let text = ''
  const bytes = Buffer.alloc(64 * 1024)
  for (;;) {
    try {
      text += bytes.toString('utf8', 0, readSync(pipe, bytes))
    } catch {
      return text
    }
  }
}

test('a server whose output pipes are full serves, writes its lines when they are read, and ends although they are full again', async () => {
  const { writeEnd, fill, drain, close } = fullPipe()
  const server = await startServerProcess({ args: ['--log-format', 'pretty'], stdout: writeEnd, stderr: writeEnd })
  expect(await server.ask('ruok')).toBe('imok')
  let text = ''
  while (!text.includes('serving-as-leader')) {
    text += drain()
    expect(await server.ask('ruok')).toBe('imok')
  }
  expect(text).toContain('server-started')
  fill()
  expect(await server.stop()).toBe(0)
  close()
})

test('a server that cannot start ends although its output pipes are full', async () => {
  const { writeEnd, close } = fullPipe()
  const server = await startServerProcess({ args: ['--log-file', '/dev/null/log'], stdout: writeEnd, stderr: writeEnd })
  expect(await once(server.child, 'exit')).toEqual([2, null])
  close()
})

test.each([
  ['a pipe whose reader is gone', 'EPIPE'],
  ['a full disk', 'ENOSPC'],
])('an output that is %s reports it once, and writing to it goes on', (kind, code) => {
  const errors: string[] = []
  const { writeEnd, close } = kind === 'a full disk' ? fullDisk() : pipeWithoutReader()
  const output = descriptorOutput(writeEnd, { onError: (error) => errors.push(error.message) })
  for (const line of ['one\n', 'two\n', 'three\n']) output.write(line)
  output.writeLastLines(0)
  expect(errors).toEqual([expect.stringContaining(code)])
  close()
})

test('SIGHUP does not end a server; it opens its log file again', async () => {
  const folder = scratchFolder()
  const path = join(folder, 'logs', 'server.log')
  const server = await startServerProcess({ args: ['--log-file', path] })
  while (!existsSync(path) || !readFileSync(path, 'utf8').includes('server-started')) {
    expect(await server.ask('ruok')).toBe('imok')
  }
  renameSync(path, `${path}.old`)
  server.child.kill('SIGHUP')
  while (!existsSync(path) || !readFileSync(path, 'utf8').includes('settings-reloaded')) {
    expect(await server.ask('ruok')).toBe('imok')
  }
  expect(await server.stop()).toBe(0)
  expect(readFileSync(`${path}.old`, 'utf8')).toContain('server-started')
  expect(readFileSync(path, 'utf8')).toContain('server-stopped')
  rmSync(folder, { recursive: true })
})
