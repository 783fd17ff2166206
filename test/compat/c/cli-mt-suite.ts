/**
 * `cli_mt`, the shell of the C client, against one server. It prints answers asynchronously, hence the pauses between lines.
 */
import { existsSync } from 'node:fs'
import { type Check, expectTrue, runChecks } from '../checks.ts'
import { runShell } from '../shell-session.ts'

const server = process.env['ZK_SERVERS']!.split(',')[0]!
const root = process.env['ZK_ROOT']!
const debianPath = '/usr/lib/zookeeper/bin/cli_mt' // Debian does not install it on the PATH
const program = existsSync(debianPath) ? debianPath : 'cli_mt'
const pauseMs = 150

function check(title: string, lines: readonly string[], wanted: readonly RegExp[]): Check {
  return {
    title,
    async run() {
      const { output } = await runShell([program, server], ['', ...lines, 'quit'], pauseMs)
      for (const pattern of wanted)
        expectTrue(pattern.test(output), `no text matches ${pattern} in: ${output.slice(-1500)}`)
    },
  }
}

process.exit(
  await runChecks([
    check(
      'cli_mt creates, reads, lists, changes and deletes',
      [
        `create ${root}`,
        `set ${root} hello`,
        `get ${root}`,
        `create +s ${root}/s-`,
        `ls ${root}`,
        `delete ${root}/s-0000000000`,
        `exists ${root}`,
      ],
      [/hello/, /s-0000000000/, /version/],
    ),
    check('cli_mt syncs', [`sync ${root}`], [/rc = 0/]),
  ]),
)
