/**
 * A znode as a stream of views. The znode is read with a watch, and read again after each event and after each lost
 * connection. No change is lost: the read that sets the next watch also returns the newest state.
 */
import { type Client, ClientError, type Watcher, type ZnodeView } from './types.ts'
import { ValueStream } from './value-stream.ts'

export function openFollow(client: Client, path: string): AsyncIterableIterator<ZnodeView> {
  return openStream(client, async (watch): Promise<ZnodeView | 'again'> => {
    const view = await orNullIfMissing(client.getData(path, { watch }))
    if (view !== null) return { kind: 'present', ...view }
    return (await client.exists(path, { watch })) === null ? { kind: 'missing' } : 'again'
  })
}

export function openFollowChildren(client: Client, path: string): AsyncIterableIterator<readonly string[] | null> {
  return openStream(client, async (watch): Promise<readonly string[] | null | 'again'> => {
    const view = await orNullIfMissing(client.getChildren(path, { watch }))
    if (view !== null) return [...view.children].sort()
    return (await client.exists(path, { watch })) === null ? null : 'again'
  })
}

async function orNullIfMissing<T>(read: Promise<T>): Promise<T | null> {
  try {
    return await read
  } catch (error) {
    if (error instanceof ClientError && error.errorName === 'no-node') return null
    throw error
  }
}

function openStream<T>(client: Client, readOnce: (watch: Watcher) => Promise<T | 'again'>): ValueStream<T> {
  const stream = new ValueStream<T>('latest', () => stop())
  let isReading = false
  let isStale = true
  const refresh = (): void => {
    isStale = true
    if (!isReading) void readWhileStale()
  }
  const readWhileStale = async (): Promise<void> => {
    isReading = true
    while (isStale && !stream.hasEnded) {
      isStale = false
      try {
        const view = await readOnce(refresh)
        if (view === 'again') isStale = true
        else stream.push(view)
      } catch (error) {
        isStale = endUnlessTransient(error)
      }
    }
    isReading = false
  }
  /** True: read again. While the client is disconnected, the read waits for the next connection. */
  const endUnlessTransient = (error: unknown): boolean => {
    if (error instanceof ClientError && error.errorName === 'connection-loss') return true
    const isClosed = client.state.kind === 'closed'
    stream.end(isClosed ? null : error instanceof Error ? error : new Error(String(error)))
    stop()
    return false
  }
  const stop = client.onStateChange((state) => {
    if (state.kind === 'closed') stream.end(null)
    else if (state.kind === 'expired' || state.kind === 'auth-failed') {
      const errorName = state.kind === 'expired' ? 'session-expired' : 'auth-failed'
      stream.end(new ClientError(errorName, 'follow', null, 'The session is over.'))
    }
  })
  refresh()
  return stream
}
