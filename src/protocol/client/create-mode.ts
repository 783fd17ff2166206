/**
 * The flags of a create request, 0 to 6 (ZK: CreateMode). Where opcode and flags disagree, the opcode decides the kind
 * of znode (ZK: PrepRequestProcessor.pRequest2TxnCreate). This table lists only what the flags mean.
 */
export interface CreateMode {
  readonly flags: number
  readonly ephemeral: boolean
  readonly sequential: boolean
  readonly container: boolean
  readonly ttl: boolean
}

export const createModes = [
  mode(0, {}),
  mode(1, { ephemeral: true }),
  mode(2, { sequential: true }),
  mode(3, { ephemeral: true, sequential: true }),
  mode(4, { container: true }),
  mode(5, { ttl: true }),
  mode(6, { ttl: true, sequential: true }),
] as const

/** Null: the flags are unknown, and the request is refused with `bad-arguments`. */
export function createModeOf(flags: number): CreateMode | null {
  return createModes[flags] ?? null
}

function mode(flags: number, traits: Partial<Omit<CreateMode, 'flags'>>): CreateMode {
  return { flags, ephemeral: false, sequential: false, container: false, ttl: false, ...traits }
}
