/** The commands on quotas. Their texts are those of zkCli, since scripts parse them. */
import type { Quota, QuotaLimits } from '../client/types.ts'
import { answer, type CommandContext, type CommandInput, pathOf, type ZnodeCommand } from './cli-command.ts'
import { CliFailure } from './exit-codes.ts'

const limitOptions = [
  { letter: 'n', long: 'count', limit: 'count', least: 1n, meaning: 'limit of znodes, including the path itself' },
  { letter: 'b', long: 'bytes', limit: 'bytes', least: 0n, meaning: 'limit of bytes of data' },
  {
    letter: 'N',
    long: 'count-hard',
    limit: 'countHard',
    least: 1n,
    meaning: 'enforced limit of znodes, including the path itself',
  },
  { letter: 'B', long: 'bytes-hard', limit: 'bytesHard', least: 0n, meaning: 'enforced limit of bytes of data' },
] as const satisfies readonly { limit: keyof QuotaLimits; [key: string]: unknown }[]
const int64Max = 2n ** 63n - 1n

export const quotaCommands: readonly ZnodeCommand[] = [
  {
    kind: 'znode',
    name: 'setquota',
    takes: '<path>',
    summary: 'limits the znodes and bytes of a subtree; limits that are not given stay as they are',
    options: limitOptions.map(({ letter, long, meaning }) => ({ flags: `-${letter}, --${long} <limit>`, meaning })),
    run: setQuota,
  },
  {
    kind: 'znode',
    name: 'listquota',
    takes: '<path>',
    summary: 'prints the limits and the usage',
    options: [],
    async run(input, context) {
      const path = pathOf(input)
      const quota = await context.client.getQuota(path)
      if (quota === null) throw missing(path)
      answer(context, { path, ...quotaJson(quota) }, [
        `Output quota for ${path} ${quota.limitsText}`,
        `Output stat for ${path} ${quota.usageText}`,
      ])
    },
  },
  {
    kind: 'znode',
    name: 'delquota',
    takes: '<path>',
    summary: 'removes the quota, or only the given limits',
    options: limitOptions.map(({ letter, long, meaning }) => ({ flags: `-${letter}, --${long}`, meaning })),
    async run(input, context) {
      const path = pathOf(input)
      const named = limitOptions.filter(({ long }) => input.has(long)).map(({ limit }) => limit)
      if (!(await context.client.deleteQuota(path, named))) throw missing(path)
      answer(context, { path, lifted: named.length === 0 ? 'all' : named }, [])
    },
  },
]

async function setQuota(input: CommandInput, context: CommandContext): Promise<void> {
  const path = pathOf(input)
  const limits: Partial<Record<keyof QuotaLimits, bigint>> = {}
  for (const { long, letter, limit, least } of limitOptions) {
    const text = input.valueOf(long)
    if (text === undefined) continue
    const value = /^\d{1,19}$/.test(text) ? BigInt(text) : -1n
    if (value < least || value > int64Max) {
      throw new CliFailure('usage', `"${text}" is not a limit; -${letter} needs a number, ${least} or more`)
    }
    limits[limit] = value
  }
  if (Object.keys(limits).length === 0) throw new CliFailure('usage', 'give one or more limits: -n, -b, -N, -B')
  const quota = await context.client.setQuota(path, limits)
  for (const [what, used, soft, hard] of [
    ['count', quota.usedCount, quota.limits.count, quota.limits.countHard],
    ['bytes', quota.usedBytes, quota.limits.bytes, quota.limits.bytesHard],
  ] as const) {
    if (!(soft !== null && soft < used) && !(hard !== null && hard < used)) continue
    context.warn(`[Warning]: the ${what} quota you create is less than the existing ${what}:${used}\n`)
  }
  answer(context, { path, ...quotaJson(quota) }, [])
}

function missing(path: string): CliFailure {
  return new CliFailure('refused', `quota for ${path} does not exist.`, 'no-node')
}

/** 64-bit numbers as text, since numbers of JSON would lose digits. */
function quotaJson({ limits, usedCount, usedBytes }: Quota): object {
  const texts = Object.entries(limits).map(([name, limit]) => [name, limit === null ? null : String(limit)])
  return { limits: Object.fromEntries(texts), usage: { count: String(usedCount), bytes: String(usedBytes) } }
}
