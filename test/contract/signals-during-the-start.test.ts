/**
 * A signal can arrive while the modules of the server are still being loaded. The test runs bin/zkts-server.js itself,
 * beside a module in place of dist/main.js that sends the signal to its own process and only then loads the server.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { scratchFolder } from './server-process.ts'

const root = join(import.meta.dirname, '..', '..')

/** The exit status, the signal that ended the process, and what it printed. */
async function versionAfter(signal: string): Promise<readonly [number | null, string | null, string]> {
  const folder = scratchFolder()
  for (const name of ['bin', 'dist']) mkdirSync(join(folder, name))
  const program = join(folder, 'bin', 'zkts-server.js')
  copyFileSync(join(root, 'bin', 'zkts-server.js'), program)
  writeFileSync(
    join(folder, 'dist', 'before-main.js'),
    `await import(${JSON.stringify(join(root, 'src', 'before-main.ts'))})`,
  )
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  const lines = [
    `const arrived = new Promise((resolve) => process.once('${signal}', resolve))`,
    `process.kill(process.pid, '${signal}')`,
    'const waiting = setInterval(() => undefined, 1000)', // a signal alone does not keep the process running
    'await arrived',
    'clearInterval(waiting)',
    `await import(${JSON.stringify(join(root, 'src', 'main.ts'))})`,
  ]
  writeFileSync(join(folder, 'dist', 'main.js'), lines.join('\n'))
  const child = spawn(process.execPath, ['--import', 'tsx', program, '--version'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text
  })
  const [code, endedBy] = await once(child, 'close')
  rmSync(folder, { recursive: true })
  return [code, endedBy, printed]
}

test('SIGHUP while the server loads its modules does not end it', async () => {
  expect(await versionAfter('SIGHUP')).toEqual([0, null, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)])
})

test.each(['SIGTERM', 'SIGINT'])('%s while the server loads its modules ends it with status 0', async (signal) => {
  expect(await versionAfter(signal)).toEqual([0, null, ''])
})
