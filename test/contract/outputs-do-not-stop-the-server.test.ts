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
import { scratchFolder, startServerProcess } from './server-process.ts'

const { O_RDWR, O_NONBLOCK, O_WRONLY } = constants

/** A pipe that somebody holds open and does not read, filled to the last byte. */
function fullPipe(): { readonly writeEnd: number; drain(): string; close(): void } {
  const folder = scratchFolder()
  const path = join(folder, 'pipe')
  execFileSync('mkfifo', [path])
  const holder = openSync(path, O_RDWR | O_NONBLOCK)
  const writeEnd = openSync(path, O_WRONLY)
  for (const sizeBytes of [4096, 1]) while (hasRoom(holder, sizeBytes));
  return {
    writeEnd,
    drain: () => drained(holder),
    close() {
      closeSync(holder)
      closeSync(writeEnd)
      rmSync(folder, { recursive: true })
    },
  }
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

test('a server whose output pipes are full serves, and its lines come when they are read', async () => {
  const { writeEnd, drain, close } = fullPipe()
  const server = await startServerProcess({ args: ['--log-format', 'pretty'], stdout: writeEnd, stderr: writeEnd })
  expect(await server.ask('ruok')).toBe('imok')
  let text = ''
  while (!text.includes('server-started')) {
    text += drain()
    expect(await server.ask('ruok')).toBe('imok')
  }
  expect(await server.stop()).toBe(0)
  expect(drain()).toContain('server-stopped')
  close()
})

test('a server ends although its output pipes are full', async () => {
  const { writeEnd, close } = fullPipe()
  const server = await startServerProcess({ stdout: writeEnd, stderr: writeEnd })
  expect(await server.ask('ruok')).toBe('imok')
  expect(await server.stop()).toBe(0)
  close()
})

test('a start that is refused ends although the output pipes are full', async () => {
  const { writeEnd, close } = fullPipe()
  const server = await startServerProcess({ args: ['--log-file', '/dev/null/log'], stdout: writeEnd, stderr: writeEnd })
  expect(await once(server.child, 'exit')).toEqual([2, null])
  close()
})

test('a server whose readers are gone serves', async () => {
  const server = await startServerProcess()
  server.child.stdout!.destroy()
  server.child.stderr!.destroy()
  expect(await server.ask('ruok')).toBe('imok')
  expect(await server.stop()).toBe(0)
})

test('a server whose output is a full disk serves', async () => {
  const full = openSync('/dev/full', O_WRONLY)
  const server = await startServerProcess({ stdout: full, stderr: full })
  expect(await server.ask('ruok')).toBe('imok')
  expect(await server.stop()).toBe(0)
  closeSync(full)
})

test('SIGHUP does not end a server; a renamed log file is opened anew', async () => {
  const folder = scratchFolder()
  const path = join(folder, 'logs', 'server.log')
  const server = await startServerProcess({ args: ['--log-file', path] })
  expect(await server.ask('ruok')).toBe('imok')
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
