/**
 * Byte streams between processes (TCP in production). A stream delivers bytes in order or closes; after
 * `onClose` nothing more is called. Handlers are set once, by the callback that hands the stream over,
 * before it returns.
 */
export interface StreamHandlers {
  /** `bytes` belongs to the receiver only until it returns: copy what must be kept. */
  onData(bytes: Uint8Array): void
  /** The output that was queued when `write` returned false has left. */
  onDrain(): void
  /** Called exactly once, whichever side closed. `error` is the fault that closed it, or null. */
  onClose(error: Error | null): void
}

export interface ByteStream {
  readonly remoteAddress: string // numeric, IPv4 without the ::ffff: prefix
  readonly remotePort: number
  readonly localPort: number
  handle(handlers: StreamHandlers): void
  /** Queues `bytes`, which the caller must not change afterwards; false = pause until onDrain. Ignored after close. */
  write(bytes: Uint8Array): boolean
  /** Bytes queued and not yet handed to the kernel. */
  queuedBytes(): number
  pause(): void
  resume(): void
  /** Sends what is queued, then closes. */
  end(): void
  /** Closes at once; queued bytes are dropped. */
  destroy(): void
}

export interface Address {
  readonly host: string
  readonly port: number // 0 = any free port
}

export interface ListenerHandle {
  readonly address: Address // with the real port
  close(): Promise<void> // stops accepting; streams already accepted live on
}

/** Client and peer ports alike. Rejects with an Error whose `code` is the system's (EADDRINUSE, EACCES, …). */
export interface Listener {
  listen(address: Address, onStream: (stream: ByteStream) => void): Promise<ListenerHandle>
}

/** Outgoing connections: to peers, and of our own client. */
export interface Dialer {
  /** Calls `done` once, with a connected stream or with the error. The returned function cancels both. */
  dial(
    address: Address,
    timeoutMs: number,
    done: (
      outcome: { readonly ok: true; readonly stream: ByteStream } | { readonly ok: false; readonly error: Error },
    ) => void,
  ): () => void
}
