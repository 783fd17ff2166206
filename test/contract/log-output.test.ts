import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { BoundedOutput, type OutputSink } from '../../src/io/bounded-output.ts'
import { LogFile, type LogFileOptions } from '../../src/io/log-file.ts'
import { pinoLog } from '../../src/io/pino-log.ts'

/** A pipe whose reader takes as many bytes as the test says. */
class ScriptedPipe implements OutputSink {
  roomBytes = 0
  text = ''
  failure: Error | null = null
  attempts = 0

  write(bytes: Uint8Array, done: (error: Error | null, takenCount: number) => void): void {
    this.attempts++
    if (this.failure !== null) done(this.failure, 0)
    else done(null, this.writeNow(bytes))
  }

  writeNow(bytes: Uint8Array): number {
    const taken = bytes.subarray(0, this.roomBytes)
    this.roomBytes -= taken.length
    this.text += Buffer.from(taken).toString()
    return taken.length
  }
}

const line = (n: number): string => `line ${String(n).padStart(4, '0')}\n` // of 10 bytes

test('lines are kept up to the limit while the reader has stopped, then dropped, counted and reported', () => {
  const pipe = new ScriptedPipe()
  const output: BoundedOutput = new BoundedOutput(pipe, {
    sizeBytesMax: 40,
    onLost: (lineCount) => output.write(`lost ${lineCount}\n`),
  })
  for (let n = 1; n <= 7; n++) output.write(line(n))
  expect([pipe.text, output.lostLineCount]).toEqual(['', 3])
  pipe.roomBytes = 1000
  output.write(line(8))
  output.write(line(9))
  expect(pipe.text).toBe(`${[1, 2, 3, 4].map(line).join('')}lost 3\n${line(8)}${line(9)}`)
  expect(output.lostLineCount).toBe(3)
})

test('a line that was written in part is completed before the next', () => {
  const pipe = new ScriptedPipe()
  const output = new BoundedOutput(pipe)
  pipe.roomBytes = 4
  output.write(line(1))
  expect(pipe.text).toBe('line')
  pipe.roomBytes = 1000
  output.write(line(2))
  expect(pipe.text).toBe(line(1) + line(2))
})

test('a slow reader does not get a report of lost lines after every line', () => {
  const pipe = new ScriptedPipe()
  const reports: number[] = []
  const output = new BoundedOutput(pipe, { sizeBytesMax: 100, onLost: (lineCount) => reports.push(lineCount) })
  for (let n = 0; n < 100; n++) {
    pipe.roomBytes = 10
    output.write(line(n))
    output.write(line(n))
    output.write(line(n))
  }
  expect(reports.length).toBeLessThan(25)
  expect(reports.every((lineCount) => lineCount > 5)).toBe(true)
})

test('after a failed write lines are kept, the error is reported once, and the next line does not retry at once', () => {
  const pipe = new ScriptedPipe()
  const errors: string[] = []
  const output = new BoundedOutput(pipe, { onError: (error) => errors.push(error.message) })
  pipe.failure = new Error('no space')
  for (let n = 1; n <= 5; n++) output.write(line(n))
  expect([errors, pipe.attempts]).toEqual([['no space'], 1])
  pipe.failure = null
  pipe.roomBytes = 1000
  output.writeLastLines(0)
  expect(pipe.text).toBe([1, 2, 3, 4, 5].map(line).join(''))
})

test('a process does not wait for its last lines if the sink takes nothing', () => {
  const pipe = new ScriptedPipe()
  const output = new BoundedOutput(pipe)
  output.write(line(1))
  output.write(line(2))
  pipe.roomBytes = 13
  output.writeLastLines(0)
  expect(pipe.text).toBe(`${line(1)}lin`)
})

test('the log reports its lost lines as a warning', async () => {
  const pipe = new ScriptedPipe()
  const output = new BoundedOutput(pipe, { sizeBytesMax: 200 })
  const log = pinoLog({ level: 'info', pretty: false, output })
  for (let n = 0; n < 10; n++) log.info('something-happened', { n })
  pipe.roomBytes = 10_000
  log.info('something-happened', { n: 10 })
  const lines = pipe.text.trimEnd().split('\n')
  const last = lines.slice(-2).map((each) => JSON.parse(each))
  expect(last).toMatchObject([
    { level: 40, event: 'log-lines-lost', lineCount: 10 - (lines.length - 2) },
    { event: 'something-happened', n: 10 },
  ])
})

const opened: LogFile[] = []

function newLogFile(options: LogFileOptions): LogFile {
  const file = new LogFile(options)
  opened.push(file)
  return file
}

afterEach(() => {
  for (const file of opened.splice(0)) file.reopen() // which closes it
})

async function inFolder(use: (path: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'zkts-log-'))
  await use(join(folder, 'logs', 'server.log'))
  rmSync(folder, { recursive: true })
}

const waitMs = 20_000
const noRotation = { rotateAtSizeBytes: null, rotateEvery: null, rotatedCount: 10 }

test('a log file is rotated at its size limit, and the wanted number of rotated files is kept', () =>
  inFolder(async (path) => {
    const output = new BoundedOutput(newLogFile({ path, ...noRotation, rotateAtSizeBytes: 30, rotatedCount: 2 }))
    for (let n = 1; n <= 10; n++) {
      output.write(line(n))
      await output.whenWritten(waitMs)
    }
    expect(readdirSync(join(path, '..')).sort()).toEqual(['server.log', 'server.log.1', 'server.log.2'])
    expect(readFileSync(`${path}.1`, 'utf8')).toBe([7, 8, 9].map(line).join(''))
    expect(readFileSync(path, 'utf8')).toBe(line(10))
  }))

test('reopen releases a log file that another program has renamed, and the next line opens a new one', () =>
  inFolder(async (path) => {
    const file = newLogFile({ path, ...noRotation })
    const output = new BoundedOutput(file)
    output.write(line(1))
    await output.whenWritten(waitMs)
    renameSync(path, `${path}.old`)
    output.write(line(2))
    await output.whenWritten(waitMs)
    expect(isOpen(`${path}.old`)).toBe(true)
    file.reopen()
    await expect.poll(() => isOpen(`${path}.old`), { timeout: waitMs }).toBe(false)
    output.write(line(3))
    await output.whenWritten(waitMs)
    expect(readFileSync(`${path}.old`, 'utf8')).toBe(line(1) + line(2))
    expect(readFileSync(path, 'utf8')).toBe(line(3))
  }))

/** Whether this process has the file open. */
function isOpen(path: string): boolean {
  return readdirSync('/proc/self/fd').some((descriptor) => {
    try {
      return readlinkSync(join('/proc/self/fd', descriptor)) === path
    } catch {
      return false // the descriptor that listed the folder
    }
  })
}

test('lines of a log file that cannot be written are kept until it can be written', () =>
  inFolder(async (path) => {
    const folder = join(path, '..')
    writeFileSync(folder, 'in the way of the folder')
    let failed: (error: Error) => void = () => undefined
    const failure = new Promise<Error>((resolve) => {
      failed = resolve
    })
    const output = new BoundedOutput(newLogFile({ path, ...noRotation }), { onError: failed })
    output.write(line(1))
    expect((await failure).message).toContain('ENOTDIR')
    output.write(line(2))
    rmSync(folder)
    await output.whenWritten(waitMs)
    expect(readFileSync(path, 'utf8')).toBe(line(1) + line(2))
  }))

test('a part of a line that an earlier process left is ended before the next line', () =>
  inFolder(async (path) => {
    for (const write of ['later', 'at once']) {
      const file = newLogFile({ path, ...noRotation })
      expect(file.problem()).toBe(null)
      writeFileSync(path, 'line 00')
      const output = new BoundedOutput(file)
      if (write === 'later') {
        output.write(line(1))
        await output.whenWritten(waitMs)
      } else {
        file.writeNow(Buffer.from(line(1)), null)
      }
      expect(readFileSync(path, 'utf8')).toBe(`line 00\n${line(1)}`)
    }
  }))

test('after a full disk each line is whole, and none is written twice', () =>
  inFolder(async (path) => {
    // A limit of the file size takes the place of the full disk: the write takes a part and then fails. The program
    // makes room by cutting off the beginning of the file.
    const program = join(path, '..', '..', 'program.mjs')
    const source = (name: string): string => JSON.stringify(join(import.meta.dirname, '../../src/io', name))
    const lines = [
      `import { readFileSync, writeFileSync } from 'node:fs'`,
      `import { BoundedOutput } from ${source('bounded-output.ts')}`,
      `import { LogFile } from ${source('log-file.ts')}`,
      `const path = ${JSON.stringify(path)}`,
      'const file = new LogFile({ path, rotateAtSizeBytes: null, rotateEvery: null, rotatedCount: 10 })',
      'file.problem()',
      `writeFileSync(path, 'x'.repeat(1024 * 1024 - 25 - 1) + '\\n')`,
      'const onError = () => writeFileSync(path, readFileSync(path).subarray(-26))',
      'const output = new BoundedOutput(file, { onError })',
      `for (let n = 1; n <= 6; n++) output.write('line 000' + n + '\\n')`,
      'await output.whenWritten(20_000)',
    ]
    writeFileSync(program, lines.join('\n'))
    const command = `ulimit -f 2048 && exec "${process.execPath}" --import tsx "${program}"`
    execFileSync('sh', ['-c', command], { cwd: join(import.meta.dirname, '../..') })
    expect(readFileSync(path, 'utf8')).toBe(`\n${line(1)}${line(2)}line \n${[3, 4, 5, 6].map(line).join('')}`)
  }))

test('a process that ends repeats the write under way from its first line that is not whole', () =>
  inFolder(async (path) => {
    const started = Buffer.from(line(1) + line(2))
    for (const [taken, expected] of [
      ['', line(1) + line(2)],
      ['li', `li\n${line(1)}${line(2)}`],
      [line(1), line(1) + line(2)],
      [`${line(1)}li`, `${line(1)}li\n${line(2)}`],
      [line(1) + line(2), line(1) + line(2)],
    ] as const) {
      const file = newLogFile({ path, ...noRotation })
      expect(file.problem()).toBe(null)
      writeFileSync(path, line(0) + taken)
      expect(file.writeNow(Buffer.from(line(3)), started)).toBe(line(3).length)
      expect(readFileSync(path, 'utf8')).toBe(line(0) + expected + line(3))
    }
  }))

test('a log file in a folder that cannot be created is refused in words', () => {
  const file = newLogFile({ path: '/proc/x/y/z.log', ...noRotation })
  expect(file.problem()).toBe('/proc/x cannot be created in /proc')
})

test('a log file that is a FIFO or a device is refused in words, and no call waits for it', () =>
  inFolder(async (path) => {
    const folder = join(path, '..')
    mkdirSync(folder)
    const fifo = newLogFile({ path: join(folder, 'fifo'), ...noRotation })
    execFileSync('mkfifo', [join(folder, 'fifo')])
    const what = `${folder}/fifo is a named pipe (FIFO), and this server needs a regular file with this name`
    expect(fifo.problem()).toBe(`${what}; to write to a pipe, leave --log-file out and redirect standard output`)
    expect(() => fifo.writeNow(Buffer.from(line(1)), null)).toThrow(what)
    expect(newLogFile({ path: '/dev/null', ...noRotation }).problem()).toContain('/dev/null is a device')
  }))

test('a FIFO that takes the place of the log file is reported, and the lines wait for a file', () =>
  inFolder(async (path) => {
    let failed: (error: Error) => void = () => undefined
    const failure = new Promise<Error>((resolve) => {
      failed = resolve
    })
    const file = newLogFile({ path, ...noRotation })
    expect(file.problem()).toBe(null)
    const output = new BoundedOutput(file, { onError: failed })
    output.write(line(1))
    await output.whenWritten(waitMs)
    rmSync(path)
    execFileSync('mkfifo', [path])
    file.reopen()
    output.write(line(2))
    expect((await failure).message).toContain('is not a file')
    rmSync(path)
    await output.whenWritten(waitMs)
    expect(readFileSync(path, 'utf8')).toBe(line(2))
  }))

test('the last lines of a log file are written when the process ends at once', () =>
  inFolder(async (path) => {
    const file = newLogFile({ path, ...noRotation })
    expect(file.problem()).toBe(null)
    const output = new BoundedOutput(file)
    output.write(line(1))
    output.write(line(2))
    output.writeLastLines(0)
    const text = readFileSync(path, 'utf8')
    expect(text.startsWith(line(1) + line(2))).toBe(true)
    await output.whenWritten(waitMs)
  }))
