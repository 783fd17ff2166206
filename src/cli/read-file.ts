/** A file that the command line names. */
import type { CliWorld } from './cli-world.ts'
import { CliFailure } from './exit-codes.ts'

export async function readFile(world: Pick<CliWorld, 'readFile'>, path: string): Promise<string> {
  try {
    return await world.readFile(path)
  } catch (error) {
    throw new CliFailure('usage', `cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
