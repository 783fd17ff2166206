/** How the examples handle a lost connection. The server may or may not have done a request whose reply was lost. */
import { pathToFileURL } from 'node:url'
import { ClientError, type ErrorName } from 'zkts/client'

export function isRefusal(error: unknown, ...names: readonly ErrorName[]): error is ClientError {
  return error instanceof ClientError && names.includes(error.errorName)
}

/**
 * Repeats a request until its reply arrives. Use it only for requests that may be done twice: a read, a delete, a write
 * with an expected version. It does not spin: while the client is disconnected, a request waits for the connection. It
 * rejects with session-expired when the session ends.
 */
export async function untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (!isRefusal(error, 'connection-loss')) throw error
    }
  }
}

/** Creates the path and its parents as persistent znodes if they are missing. */
export async function createFolders(zk: { create(path: string): Promise<unknown> }, path: string): Promise<void> {
  const names = path.split('/').slice(1)
  for (const [index] of names.entries()) {
    const folder = `/${names.slice(0, index + 1).join('/')}`
    await untilAnswered(() => zk.create(folder)).catch((error: unknown) => {
      if (!isRefusal(error, 'node-exists')) throw error
    })
  }
}

/** True if Node was started with this module; false if another module imports it. */
export function isMainModule(moduleUrl: string): boolean {
  return process.argv[1] !== undefined && moduleUrl === pathToFileURL(process.argv[1]).href
}
