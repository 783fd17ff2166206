/**
 * Quotas are plain znodes below /zookeeper/quota. Clients write the limits; servers read them and write the usage
 * (ZK: SetQuotaCommand, DelQuotaCommand, ListQuotaCommand).
 * Assumes: `zk` has no chroot, and `path` is a path on the servers.
 * A path cannot have a quota above or below a path that has one, since servers count only for the nearest quota.
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

/** A limit that is not given stays as it is; in a new quota it is unlimited. */
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
  if (quota === null) throw refused('no-node', path, 'Another client deleted the quota at the same time.')
  return quota
}

/** Null: the path itself has no quota. */
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

/** Removes the named limits and keeps the quota; without names, removes the quota. False: the path had no quota. */
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

/** In the order in which ZooKeeper writes the fields. */
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
 * Servers start to count when the usage znode is created, not when limits are set. So a usage znode of an earlier quota
 * is deleted and created again, and one that is missing beside limits (ZooKeeper's client can cause that) is created.
 */
async function createQuota(zk: Client, path: string, limits: Uint8Array, hasLimits: boolean): Promise<void> {
  for (const folder of ['/zookeeper', quotaRoot, ...foldersOf(path)]) {
    if ((await zk.exists(folder)) === null) await unless('node-exists', zk.create(folder))
  }
  const usage = new TextEncoder().encode('count=0,bytes=0')
  const removal: readonly MultiRequest[] =
    (await zk.exists(usagePathOf(path))) === null ? [] : [{ kind: 'delete', path: usagePathOf(path) }]
  await zk.multi([
    { kind: hasLimits ? 'set-data' : 'create', path: limitsPathOf(path), data: limits },
    ...removal,
    { kind: 'create', path: usagePathOf(path), data: usage },
  ])
}

interface QuotaTexts {
  readonly limits: QuotaFields
  /** Null: the usage znode is missing, so servers do not count. */
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
  if (fields === null) throw refused('marshalling-error', path, 'Its data is not a quota.')
  return fields
}

/** Resolves with null if the request is refused with `errorName`. */
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
