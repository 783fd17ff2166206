/**
 * Opens a client: checks the options and starts a session over the given ports.
 */
import type { Result } from '../base/result.ts'
import { err, ok } from '../base/result.ts'
import { SessionClient } from './client.ts'
import { parseConnectString } from './connect-string.ts'
import { Session } from './session.ts'
import { type Client, ClientError, type ClientOptions, type ClientPorts } from './types.ts'

const sessionTimeoutMsDefault = 10_000
const retryDelayMsDefault = 100

export interface OpenedClient {
  readonly client: Client
  readonly session: Session
}

/** Starts to connect and returns at once. Requests wait until the client is connected. */
export function openClient(options: ClientOptions, ports: ClientPorts): Result<OpenedClient, string> {
  const parsed = parseConnectString(options.servers)
  if (!parsed.ok) return err(parsed.error)
  const timeoutMs = options.sessionTimeoutMs ?? sessionTimeoutMsDefault
  const { addresses, chroot } = parsed.value
  const session = new Session(
    {
      addresses,
      chroot,
      timeoutMs,
      dialTimeoutMs: options.dialTimeoutMs ?? Math.ceil(timeoutMs / 3),
      retryDelayMs: options.retryDelayMs ?? retryDelayMsDefault,
      canBeReadOnly: options.canBeReadOnly ?? false,
      session: options.session ?? null,
    },
    ports,
  )
  session.start()
  return ok({ client: new SessionClient(session, chroot), session })
}

/**
 * Resolves once connected. If no server accepts within `connectTimeoutMs`, gives up and rejects with connection-loss.
 */
export async function connectWith(
  options: ClientOptions,
  connectTimeoutMs: number,
  ports: ClientPorts,
): Promise<Client> {
  const opened = openClient(options, ports)
  if (!opened.ok) throw new ClientError('bad-arguments', 'connect', null, opened.error)
  const { client, session } = opened.value
  let hasTimedOut = false
  const cancel = ports.timers.after(connectTimeoutMs, () => {
    hasTimedOut = true
    client.abandon()
  })
  try {
    await client.whenConnected()
    return client
  } catch (error) {
    if (!hasTimedOut) throw error
    const tried = `no server of ${options.servers} accepted a session within ${connectTimeoutMs} ms`
    throw new ClientError('connection-loss', 'connect', null, [tried, ...session.failures].join('\n  '))
  } finally {
    cancel()
  }
}
