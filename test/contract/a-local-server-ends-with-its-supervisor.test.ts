import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '../support/free-ports.ts'
import { ask, scratchFolder } from './server-process.ts'

const root = join(import.meta.dirname, '..', '..')

/** In place of the supervisor, whose ports are fixed: a process that starts one server as the supervisor does. */
const supervisor = `
  import { startChildServer } from ${JSON.stringify(join(root, 'src/io/child-server.ts'))}
  const args = ['--config', process.argv[2], '--log-file', process.argv[3], '--end-with-input']
  console.log(startChildServer(${JSON.stringify(join(root, 'src/main.ts'))}, args, () => undefined).pid)
`

test('a server of --local closes when its supervisor is killed', async () => {
  const folder = scratchFolder()
  const port = await freePort()
  const [config, log, program] = ['zoo.cfg', 'server.log', 'supervisor.mjs'].map((name) => join(folder, name))
  writeFileSync(config!, `dataDir=${folder}/data\nclientPort=${port}\nclientPortAddress=127.0.0.1\n`)
  writeFileSync(program!, supervisor)
  const parent = spawn(process.execPath, ['--import', 'tsx', program!, config!, log!], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [pidText] = await once(parent.stdout, 'data')
  onTestFinished(() => endLeftover(Number(pidText)))
  await until('the server serves', async () => (await ask(port, 'srvr')).includes('Mode: '))
  parent.kill('SIGKILL')
  await once(parent, 'exit')
  await until('the server has closed', async () => (await ask(port, 'ruok')) === '')
  await until('its log says so', () => readFileSync(log!, 'utf8').includes('"server-stopped"'))
  rmSync(folder, { recursive: true })
})

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + 20_000
  while (!(await isSo())) {
    expect(performance.now(), what).toBeLessThan(deadlineMs)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

function endLeftover(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended, as it should.
  }
}
