/**
 * Checks what the documents and samples show, apart from the commands of the README: starts servers with their
 * configurations, ensembles with all members on this machine, and runs commands of the reference. Needs the ports 2181
 * to 2183, 2888 to 2890 and 3888 to 3890.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { projectFile, projectRoot } from '../tidy/project-files.ts'
import { finish, report } from './checks.ts'
import { ServerProcess } from './server-process.ts'

const folder = mkdtempSync(join(tmpdir(), 'zkts-documents-'))
const readmeSample = /```text\n(dataDir=[\s\S]*?)```/.exec(projectFile('README.md').text)?.[1] ?? ''

try {
  for (const command of ['npm run sim -- --seed 17', 'npm run sim -- --seed 17 --trace']) report(command, run(command))
  await checkStandalone()
  // `npm start -- --config zoo.cfg` with the file of the README, then with the sample.
  await checkEnsemble('the configuration of the README', readmeSample)
  await checkEnsemble('conf/ensemble.cfg', projectFile('conf/ensemble.cfg').text)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
finish()

async function checkStandalone(): Promise<void> {
  const server = new ServerProcess(folder, ['--config', join(projectRoot, 'conf/standalone.cfg')])
  report('zkts-server --config conf/standalone.cfg', await server.served(2181, /^Mode: standalone$/m))
  report('zkts-cli mntr -s localhost:2181', run('node bin/zkts-cli.js mntr -s localhost:2181'))
  await server.kill()
}

async function checkEnsemble(title: string, text: string): Promise<void> {
  const home = mkdtempSync(join(folder, 'ensemble-'))
  const servers = [1, 2, 3].map((id) => {
    const dataDir = join(home, `data-${id}`)
    mkdirSync(dataDir)
    writeFileSync(join(dataDir, 'myid'), `${id}\n`)
    mkdirSync(join(home, `${id}`))
    writeFileSync(join(home, `${id}`, 'zoo.cfg'), onThisMachine(text, dataDir))
    return new ServerProcess(join(home, `${id}`), ['--config', 'zoo.cfg'])
  })
  const problems = await Promise.all(
    servers.map((server, index) => server.served(2181 + index, /^Mode: (leader|follower)$/m)),
  )
  report(title, problems.find((problem) => problem !== null) ?? null)
  for (const server of servers) await server.kill()
}

/** The same lines, with ports of this machine instead of the three machines, and with a folder of this test. */
function onThisMachine(text: string, dataDir: string): string {
  return text
    .replace(
      /zk(\d)\.example\.org:2888:3888;2181/g,
      (_all, id) => `127.0.0.1:${2887 + +id}:${3887 + +id};${2180 + +id}`,
    )
    .replace(/^dataDir=.*$/m, `dataDir=${dataDir}`)
}

/** What went wrong, or null. */
function run(command: string): string | null {
  try {
    execFileSync('bash', ['-c', command], {
      cwd: projectRoot,
      stdio: 'pipe',
      maxBuffer: 256 * 2 ** 20,
      timeout: 120_000,
    })
    return null
  } catch (error) {
    return (error as Error).message.slice(0, 800)
  }
}
