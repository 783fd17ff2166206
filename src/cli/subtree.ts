/**
 * Visits a subtree in the order of zkCli, and deletes one from the leaves up.
 * Other clients may change the subtree meanwhile; a znode that is deleted before it is visited is skipped.
 */
import { type Client, ClientError, type ReadOptions } from '../client/types.ts'

const listedAtOnceMax = 256

/**
 * Visits the znode itself, then all children of a znode before the children of any of them (ZK:
 * ZKUtil.visitSubTreeDFS).
 */
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

/**
 * Deletes in multis of `batchCount` znodes; 0 = one by one. Rejects with the first refusal. Resolves with the number
 * deleted.
 */
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
      // Another client changes the subtree, or an ACL forbids a part of it. Delete as many znodes as possible.
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
    for (const each of level) found.push(each) // not by spread: a long list would overflow the stack
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
