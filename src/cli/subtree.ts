/**
 * Whole subtrees: visiting them in zkCli's order, and deleting them from the leaves up.
 * Znodes may come and go meanwhile; one that has gone is passed over.
 */
import { type Client, ClientError, type ReadOptions } from '../client/types.ts'

const listedAtOnceMax = 256

/** The znode itself, then the children of each znode before what is below them (ZK: ZKUtil.visitSubTreeDFS). */
export async function visitSubtree(
  client: Client,
  path: string,
  options: ReadOptions,
  visit: (path: string) => Promise<void> | void,
): Promise<void> {
  await client.getData(path, options)
  await visit(path)
  await visitBelow(client, path, options, visit)
}

async function visitBelow(
  client: Client,
  path: string,
  options: ReadOptions,
  visit: (path: string) => Promise<void> | void,
): Promise<void> {
  const paths = [...(await childPaths(client, path, options))].sort()
  for (const child of paths) await visit(child)
  for (const child of paths) await visitBelow(client, child, options, visit)
}

/** Deletes in multis of `batchCount`; 0 = one by one. Rejects with the first refusal. Resolves with how many it deleted. */
export async function deleteSubtree(client: Client, path: string, batchCount: number): Promise<number> {
  const leavesFirst = (await breadthFirst(client, path)).reverse()
  const size = Math.max(1, batchCount)
  let deletedCount = 0
  for (let at = 0; at < leavesFirst.length; at += size) {
    deletedCount += await deleteBatch(client, leavesFirst.slice(at, at + size))
  }
  return deletedCount
}

async function deleteBatch(client: Client, paths: readonly string[]): Promise<number> {
  if (paths.length > 1) {
    try {
      await client.multi(paths.map((path) => ({ kind: 'delete', path })))
      return paths.length
    } catch (error) {
      // Somebody else changes the subtree, or not all of it may be deleted: what can go, goes.
      if (!(error instanceof ClientError) || error.errorName === 'connection-loss') throw error
    }
  }
  let deletedCount = 0
  for (const path of paths) {
    try {
      await client.delete(path)
      deletedCount += 1
    } catch (error) {
      if (!(error instanceof ClientError) || error.errorName !== 'no-node') throw error
    }
  }
  return deletedCount
}

/** Rejects with no-node only for `path` itself. */
async function breadthFirst(client: Client, path: string): Promise<string[]> {
  const found = [path]
  let level: readonly string[] = (await client.getChildren(path)).children.map((name) => below(path, name))
  while (level.length > 0) {
    for (const each of level) found.push(each) // spread, a long list would not fit the stack
    const next: string[] = []
    for (let at = 0; at < level.length; at += listedAtOnceMax) {
      const lists = await Promise.all(level.slice(at, at + listedAtOnceMax).map((each) => childPaths(client, each, {})))
      for (const list of lists) for (const each of list) next.push(each)
    }
    level = next
  }
  return found
}

async function childPaths(client: Client, path: string, options: ReadOptions): Promise<readonly string[]> {
  try {
    return (await client.getChildren(path, options)).children.map((name) => below(path, name))
  } catch (error) {
    if (error instanceof ClientError && error.errorName === 'no-node') return []
    throw error
  }
}

function below(path: string, name: string): string {
  return path === '/' ? `/${name}` : `${path}/${name}`
}
