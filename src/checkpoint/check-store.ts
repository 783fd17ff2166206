/** Reads all of a store that no server uses, as the start of a server does. */
import { assert } from '../base/assert.ts'
import { hexOfZxid } from '../base/ids.ts'
import type { KeyValueStore } from '../ports/key-values.ts'
import { type CheckpointMeta, factsOf } from './checkpoint-meta.ts'
import { CopyReader } from './copy-reader.ts'
import { HashedContent } from './hashed-content.ts'
import { StoreCopy, viewForCopy } from './store-copy.ts'

/** What is missing or wrong; null: the store holds the state of `meta`. Rejects if the store does not read. */
export async function checkStore(store: KeyValueStore, meta: CheckpointMeta): Promise<string | null> {
  const copy = new StoreCopy({ view: viewForCopy(store), facts: factsOf(meta), hasChecksums: false })
  const reader = new CopyReader(new HashedContent(), false)
  try {
    for (let number = 0; ; number += 1) {
      const chunk = await copy.chunk(number)
      if (chunk === null) break
      const problem = reader.add(chunk)
      if (problem !== null) return problem
    }
  } finally {
    await copy.close()
  }
  const found = reader.finish()
  if (!found.ok) return found.error
  assert(found.value.zxid === meta.zxid, 'the meta record is that of the store', { zxid: hexOfZxid(meta.zxid) })
  return null
}
