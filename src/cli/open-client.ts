/** A client for a command, and what its errors mean for the exit status. */
import { CommanderError } from 'commander'
import { type Client, ClientError } from '../client/types.ts'
import type { CliSettings, CliWorld } from './cli-world.ts'
import { CliFailure } from './exit-codes.ts'

const sessionTimeoutMs = 10_000

export async function openClient(world: CliWorld, settings: CliSettings): Promise<Client> {
  const { servers, timeoutMs, canBeReadOnly, auth } = settings
  let client: Client
  try {
    client = await world.connect({ servers, sessionTimeoutMs, canBeReadOnly }, timeoutMs)
  } catch (error) {
    if (!(error instanceof ClientError)) throw error
    throw new CliFailure(error.errorName === 'bad-arguments' ? 'usage' : 'unreachable', error.message, error.errorName)
  }
  try {
    for (const { scheme, credentials } of auth) await client.addAuth(scheme, new TextEncoder().encode(credentials))
    return client
  } catch (error) {
    client.abandon()
    throw error
  }
}

/** Anything that is neither a refusal nor a wrong command line is a bug and is thrown on. */
export function toFailure(error: unknown): CliFailure {
  if (error instanceof CliFailure) return error
  // Commander has already printed what is wrong, or the help that was asked for.
  if (error instanceof CommanderError) return new CliFailure(error.exitCode === 0 ? 'ok' : 'usage', '')
  if (!(error instanceof ClientError)) throw error
  const isLost = error.errorName === 'connection-loss' || error.errorName === 'session-expired'
  return new CliFailure(isLost ? 'lost' : 'refused', error.message, error.errorName)
}
