/** Opens a client for a command, and translates its errors into exit statuses. */
import { CommanderError } from 'commander'
import { type Client, ClientError } from '../client/types.ts'
import type { CliContext, CliSettings } from './cli-context.ts'
import { CliFailure } from './exit-codes.ts'

const sessionTimeoutMs = 10_000

export async function openClient(cli: CliContext, settings: CliSettings): Promise<Client> {
  const { servers, timeoutMs, canBeReadOnly, auth } = settings
  let client: Client
  try {
    client = await cli.connect({ servers, sessionTimeoutMs, canBeReadOnly }, timeoutMs)
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

/** Throws an error that is neither a refusal nor a wrong command line: it is a bug. */
export function toFailure(error: unknown): CliFailure {
  if (error instanceof CliFailure) return error
  // Commander has already printed the error or the help.
  if (error instanceof CommanderError) return new CliFailure(error.exitCode === 0 ? 'ok' : 'usage', '')
  if (!(error instanceof ClientError)) throw error
  const isLost = error.errorName === 'connection-loss' || error.errorName === 'session-expired'
  return new CliFailure(isLost ? 'lost' : 'refused', error.message, error.errorName)
}
