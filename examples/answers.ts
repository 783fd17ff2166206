/** How the examples treat a lost connection. A request that was under way may have happened, or not. */
import { pathToFileURL } from 'node:url'
import { ClientError, type ErrorName } from 'zkts/client'

export function isRefusal(error: unknown, ...names: readonly ErrorName[]): error is ClientError {
  return error instanceof ClientError && names.includes(error.errorName)
}

/**
 * Asks again until an answer comes. Only for requests that may be done twice: reads, a delete, a write of an expected
 * version. It does not spin: while the client is disconnected, a request waits for the connection. It ends with
 * session-expired when the session is over.
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

/** Creates the path and its parents as ordinary znodes, as far as they are missing. */
export async function createFolders(zk: { create(path: string): Promise<unknown> }, path: string): Promise<void> {
  const names = path.split('/').slice(1)
  for (const [index] of names.entries()) {
    const folder = `/${names.slice(0, index + 1).join('/')}`
    await untilAnswered(() => zk.create(folder)).catch((error: unknown) => {
      if (!isRefusal(error, 'node-exists')) throw error
    })
  }
}

/** Whether node was started with this module, as opposed to importing it. */
export function isMainModule(moduleUrl: string): boolean {
  return process.argv[1] !== undefined && moduleUrl === pathToFileURL(process.argv[1]).href
}
