/** Reads a file whose path is an argument. */
import type { CliContext } from './cli-context.ts'
import { CliFailure } from './exit-codes.ts'

export async function readFile(cli: Pick<CliContext, 'readFile'>, path: string): Promise<string> {
  try {
    return await cli.readFile(path)
  } catch (error) {
    throw new CliFailure('usage', `cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
