/** Receives a copy as a learner does: each chunk is stored and loaded, and what is whole becomes the checkpoint. */
import { expect } from 'vitest'
import { ok, type Result } from '../../src/base/result.ts'
import type { CheckpointKeeper } from '../../src/checkpoint/checkpoint-keeper.ts'
import { CheckpointLoader } from '../../src/checkpoint/checkpoint-loader.ts'
import type { CheckpointFacts, CheckpointReceiver } from '../../src/ports/checkpoints.ts'

export async function receiveCopy(
  keeper: CheckpointKeeper,
  chunks: readonly Uint8Array[],
): Promise<Result<CheckpointFacts, string>> {
  const receiver = await keeper.receive()
  for (const [number, chunk] of chunks.entries()) expect(await receiver.add(number, chunk)).toBe(true)
  const finished = await finishCopy(receiver, chunks)
  if (!finished.ok) await receiver.abort()
  return finished
}

/** The chunks are those that were added. */
export async function finishCopy(
  receiver: CheckpointReceiver,
  chunks: readonly Uint8Array[],
): Promise<Result<CheckpointFacts, string>> {
  const loaded = loadChunks(chunks)
  return loaded.ok ? ok(await receiver.finish(loaded.value)) : loaded
}

function loadChunks(chunks: readonly Uint8Array[]): Result<CheckpointFacts, string> {
  const loader = new CheckpointLoader(false)
  for (const chunk of chunks) {
    const problem = loader.add(chunk)
    if (problem !== null) return { ok: false, error: problem }
  }
  const loaded = loader.finish()
  return loaded.ok ? ok(loaded.value.facts) : loaded
}
