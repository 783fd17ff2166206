/**
 * Types every command of docs/operations/backup.md, in order, with folders of this test in place of /etc/zkts and
 * /var/backups/zkts, beside a server of the build. A `restore` is typed as the document says: the server is stopped, its
 * folders are moved away, and afterwards the server must start and have what it had at that point.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { shownCommands } from '../tidy/markdown.ts'
import { projectFile, projectRoot } from '../tidy/project-files.ts'
import { finish, report } from './checks.ts'
import { ServerProcess } from './server-process.ts'

const port = 2181
const folder = mkdtempSync(join(tmpdir(), 'zkts-backup-'))
const cli = join(projectRoot, 'bin/zkts-cli.js')
const superDigest = createHash('sha1').update('super:password').digest('base64')
const running: { server: ServerProcess | null } = { server: null }
let written = 0

try {
  for (const name of ['etc', 'backups']) mkdirSync(join(folder, name))
  for (const [name, data] of [
    ['zoo.cfg', 'data'],
    ['zoo-2.cfg', 'data-2'],
  ] as const) {
    const lines = [
      `dataDir=${join(folder, data)}`,
      `clientPort=${port}`,
      'clientPortAddress=127.0.0.1',
      `DigestAuthenticationProvider.superDigest=super:${superDigest}`,
    ]
    writeFileSync(join(folder, 'etc', name), `${lines.join('\n')}\n`)
  }
  await startServer()
  for (const { text } of shownCommands([projectFile('docs/operations/backup.md')])) {
    if (text.includes('zkts-cli restore')) report(text, await typeRestore(text))
    else report(text, typeBackup(text))
  }
} finally {
  await running.server?.kill()
  rmSync(folder, { recursive: true, force: true })
}
finish()

async function startServer(): Promise<string | null> {
  running.server = new ServerProcess(folder, ['--config', join(folder, 'etc/zoo.cfg')])
  return running.server.served(port, /^Mode: standalone$/m)
}

/** Each backup is of a later state than the one before. */
function typeBackup(command: string): string | null {
  if (!command.includes('--check')) {
    written += 1
    const made = run(`zkts-cli create /written-${written} x`)
    if (made !== null) return made
  }
  return run(command)
}

async function typeRestore(command: string): Promise<string | null> {
  const backup = join(folder, 'backups/monday.backup')
  const checked = execFileSync(process.execPath, [cli, '--json', 'backup', '--check', backup]).toString()
  const { lastTxn } = JSON.parse(checked) as { readonly lastTxn: { readonly zxid: string; readonly time: string } }
  const typed = command
    .replace(/--to-zxid \S+/, `--to-zxid ${lastTxn.zxid}`)
    .replace(/--to-time \S+/, `--to-time ${lastTxn.time}`)
  await running.server?.kill()
  for (const name of ['data', 'data-2']) rmSync(join(folder, name), { recursive: true, force: true })
  const problem = run(typed)
  if (problem !== null || command.includes('zoo-2.cfg')) return problem
  return (await startServer()) ?? run(`zkts-cli get /written-${written}`)
}

/** What went wrong, or null. */
function run(command: string): string | null {
  const typed = command
    .replaceAll('/etc/zkts', join(folder, 'etc'))
    .replaceAll('/var/backups/zkts', join(folder, 'backups'))
    .replaceAll('zk1:2181', `127.0.0.1:${port}`)
    .replace(/^zkts-cli/, `${process.execPath} ${cli}`)
  const { status, stdout, stderr } = spawnSync('bash', ['-c', typed], { timeout: 60_000 })
  return status === 0 ? null : `ended with ${status}: ${stdout}${stderr}`.slice(0, 800)
}
