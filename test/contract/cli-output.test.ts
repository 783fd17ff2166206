import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const entry = join(import.meta.dirname, '..', '..', 'src', 'cli-main.ts')

test('zkts-cli ends without a stack trace when the reader of its output has ended', async () => {
  const child = spawn(process.execPath, ['--import', 'tsx', entry, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.destroy()
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text
  })
  const [code] = await once(child, 'close')
  expect([code, complaint]).toEqual([141, ''])
})
