/**
 * Quotas as clients keep them: plain znodes below /zookeeper/quota, which the servers read and count in
 * (ZK: SetQuotaCommand, DelQuotaCommand, ListQuotaCommand).
 * Assumes: `zk` has no chroot, since these znodes hang below the root of the ensemble, and `path` is the servers'.
 * A path has no quota of its own below or above another one that has: servers count for the nearest one only.
 */
import {
  limitsPathOf,
  parseQuotaText,
  type QuotaFieldName,
  type QuotaFields,
  quotaFieldOf,
  quotaRoot,
  renderQuotaText,
  usagePathOf,
} from '../protocol/client/quota-text.ts'
import { type Client, ClientError, type MultiRequest, type Quota, type QuotaLimits } from './types.ts'

const fieldNames = {
  count: 'count',
  bytes: 'bytes',
  countHard: 'countHardLimit',
  bytesHard: 'byteHardLimit',
} as const satisfies Record<keyof QuotaLimits, QuotaFieldName>
const limitNames = Object.keys(fieldNames) as readonly (keyof QuotaLimits)[]

/** Limits that are not given stay as they are, or unlimited for a new quota. */
export async function setQuota(zk: Client, path: string, limits: Partial<QuotaLimits>): Promise<Quota> {
  await refuseUnlessFree(zk, path)
  const now = await readQuota(zk, path)
  const fields = new Map<string, bigint>(now === null ? noLimits() : now.limits)
  for (const name of limitNames) {
    const limit = limits[name]
    if (limit !== undefined) fields.set(fieldNames[name], limit ?? -1n)
  }
  const data = new TextEncoder().encode(renderQuotaText(fields))
  if (now?.usage == null) await createQuota(zk, path, data, now !== null)
  else await zk.setData(limitsPathOf(path), data)
  const quota = await getQuota(zk, path)
  if (quota === null) throw refused('no-node', path, 'The quota was deleted by somebody else at the same time.')
  return quota
}

/** Null: the path has none of its own. */
export async function getQuota(zk: Client, path: string): Promise<Quota | null> {
  const texts = await readQuota(zk, path)
  if (texts === null) return null
  const usage = texts.usage ?? new Map<string, bigint>()
  const limits = Object.fromEntries(
    limitNames.map((name) => {
      const limit = quotaFieldOf(texts.limits, fieldNames[name])
      return [name, limit < 0n ? null : limit]
    }),
  ) as unknown as QuotaLimits
  return {
    limits,
    usedCount: quotaFieldOf(usage, 'count'),
    usedBytes: quotaFieldOf(usage, 'bytes'),
    limitsText: renderQuotaText(texts.limits),
    usageText: renderQuotaText(usage),
  }
}

/** Lifts the limits named and keeps counting; with none named, the quota goes. False: there was none. */
export async function deleteQuota(zk: Client, path: string, names: readonly (keyof QuotaLimits)[]): Promise<boolean> {
  const now = await readQuota(zk, path)
  if (now === null) return false
  if (names.length > 0) {
    const fields = new Map(now.limits)
    for (const name of names) fields.set(fieldNames[name], -1n)
    await zk.setData(limitsPathOf(path), new TextEncoder().encode(renderQuotaText(fields)))
    return true
  }
  for (const znode of [usagePathOf(path), limitsPathOf(path)]) {
    await unless('no-node', zk.delete(znode))
  }
  for (const folder of foldersOf(path).reverse()) {
    if ((await unless('no-node', zk.getChildren(folder)))?.children.length !== 0) break
    await unless('not-empty', zk.delete(folder))
  }
  return true
}

/** The order is that of the original, which has written limits with a text of its own for every kind. */
function noLimits(): readonly (readonly [string, bigint])[] {
  return limitNames.map((name) => [fieldNames[name], -1n])
}

/** The znodes between /zookeeper/quota and the limits, top down. */
function foldersOf(path: string): string[] {
  const names = path.split('/').slice(1)
  return names.map((_, index) => `${quotaRoot}/${names.slice(0, index + 1).join('/')}`)
}

async function refuseUnlessFree(zk: Client, path: string): Promise<void> {
  if (path === '/') throw refused('bad-arguments', path, 'The root cannot have a quota.')
  if (path === quotaRoot || path.startsWith(`${quotaRoot}/`)) {
    throw refused('bad-arguments', path, `No quota can be set below ${quotaRoot}.`)
  }
  if ((await zk.exists(path)) === null) throw refused('no-node', path, 'Only a znode that exists can have a quota.')
  const names = path.split('/').slice(1)
  for (let depth = 1; depth < names.length; depth++) {
    const ancestor = `/${names.slice(0, depth).join('/')}`
    if ((await zk.exists(limitsPathOf(ancestor))) === null) continue
    throw refused('bad-arguments', path, `${ancestor} above it has a quota already.`)
  }
  await refuseQuotaBelow(zk, path, path)
}

async function refuseQuotaBelow(zk: Client, path: string, at: string): Promise<void> {
  const found = await unless('no-node', zk.getChildren(quotaRoot + at))
  for (const name of found?.children ?? []) {
    const below = `${at}/${name}`
    if (name !== 'zookeeper_limits' && name !== 'zookeeper_stats') await refuseQuotaBelow(zk, path, below)
    else if (name === 'zookeeper_limits' && at !== path) {
      throw refused('bad-arguments', path, `${at} below it has a quota already.`)
    }
  }
}

/**
 * Servers count afresh when a usage appears, not when limits do: one that was left behind is made again, and one that
 * is missing beside limits, which ZooKeeper's own client can leave, is added.
 */
async function createQuota(zk: Client, path: string, limits: Uint8Array, hasLimits: boolean): Promise<void> {
  for (const folder of ['/zookeeper', quotaRoot, ...foldersOf(path)]) {
    if ((await zk.exists(folder)) === null) await unless('node-exists', zk.create(folder))
  }
  const usage = new TextEncoder().encode('count=0,bytes=0')
  const leftBehind: readonly MultiRequest[] =
    (await zk.exists(usagePathOf(path))) === null ? [] : [{ kind: 'delete', path: usagePathOf(path) }]
  await zk.multi([
    { kind: hasLimits ? 'set-data' : 'create', path: limitsPathOf(path), data: limits },
    ...leftBehind,
    { kind: 'create', path: usagePathOf(path), data: usage },
  ])
}

interface QuotaTexts {
  readonly limits: QuotaFields
  /** Null: nobody counts. */
  readonly usage: QuotaFields | null
}

async function readQuota(zk: Client, path: string): Promise<QuotaTexts | null> {
  const limits = await unless('no-node', zk.getData(limitsPathOf(path)))
  if (limits === null) return null
  const usage = await unless('no-node', zk.getData(usagePathOf(path)))
  return {
    limits: legible(limitsPathOf(path), limits.data),
    usage: usage === null ? null : legible(usagePathOf(path), usage.data),
  }
}

function legible(path: string, data: Uint8Array | null): QuotaFields {
  const fields = parseQuotaText(data)
  if (fields === null) throw refused('marshalling-error', path, 'Its data is no quota.')
  return fields
}

/** Null instead of the one error that is expected. */
async function unless<T>(errorName: ClientError['errorName'], answer: Promise<T>): Promise<T | null> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof ClientError && error.errorName === errorName) return null
    throw error
  }
}

function refused(errorName: ClientError['errorName'], path: string, explanation: string): ClientError {
  return new ClientError(errorName, 'quota', path, explanation)
}
