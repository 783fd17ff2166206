/** Cluster ids as commands make, read and write them. */
import type { ClusterId } from '../protocol/disk/log-record.ts'
import type { CliContext } from './cli-context.ts'
import { CliFailure } from './exit-codes.ts'

/** As the first leader of an ensemble without data draws it: 53 bits, not 0. */
export function freshClusterId({ random }: CliContext): ClusterId {
  return ((random.uint32() >>> 11) * 2 ** 32 + Math.max(random.uint32(), 1)) as ClusterId
}

/** Of the option --cluster-id. `source`: what printed the id that is to be written. */
export function readClusterId(text: string, source: string): ClusterId {
  const id = /^0x[0-9a-fA-F]{1,16}$/.test(text) ? Number(text) : 0
  if (Number.isSafeInteger(id) && id !== 0) return id as ClusterId
  throw new CliFailure('usage', `--cluster-id ${text} is not a cluster id; write the one that ${source} printed`)
}
