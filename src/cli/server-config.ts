/** The configuration of a server on this machine, for commands that work on its data folder or take its address from it. */
import type { Config } from '../config/config.ts'
import { describeProblem } from '../config/config-problem.ts'
import { filesNamedIn, loadConfig } from '../config/load-config.ts'
import type { CliContext } from './cli-context.ts'
import { CliFailure } from './exit-codes.ts'
import { readFile } from './read-file.ts'

/** Reads the files that the server would read. A mistake in them ends the command, as it would keep the server down. */
export async function readServerConfig(cli: CliContext, path: string): Promise<Config> {
  const text = await readFile(cli, path)
  const { dataDir, dynamicConfigFile } = filesNamedIn(text)
  const dynamicText = dynamicConfigFile === null ? null : await readFile(cli, dynamicConfigFile)
  const myid = dataDir === null ? null : `${dataDir}/myid`
  const myidText = myid !== null && (await cli.disk.exists(myid)) ? await readFile(cli, myid) : null
  const parsed = loadConfig({ text, dynamicText, myidText })
  if (parsed.ok) return parsed.value.config
  const names = { 'zoo.cfg': path, 'dynamic file': dynamicConfigFile, myid }
  throw new CliFailure('usage', parsed.error.map((problem) => describeProblem(problem, names)).join('\n'))
}
