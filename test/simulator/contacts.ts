/**
 * When servers heard each other, by the bytes that they read. That one server has heard another says nothing about the way
 * back, so each chunk carries when the newest bytes were sent that its sender had read: a reader learns when it was last
 * heard. Also counts what is sent, and reports what was under way for longer than messages ordinarily are.
 */
import type { Stamp, TrafficObserver } from './sim-stream.ts'

export interface ContactsOptions {
  nowUs(): number
  readonly isServerHost: (host: string) => boolean
  /** The longest way of a message without a fault. */
  readonly ordinaryDelayUs: number
  /** Traffic between two servers is disturbed, or is no longer; or it is late, until `atUs`. */
  onChange(hostA: string, hostB: string, atUs: number): void
}

const never = Number.NEGATIVE_INFINITY

export class Contacts implements TrafficObserver {
  readonly #options: ContactsOptions
  readonly #heardUs = new Map<string, number>() // "a<b": when the newest bytes of b that a has read were sent
  readonly #answeredUs = new Map<string, number>() // "a<b": when the newest bytes of a were sent that b is known to have read
  readonly #sentSizeBytes = new Map<string, number>() // "a>b"

  constructor(options: ContactsOptions) {
    this.#options = options
  }

  sent(from: string, to: string, sizeBytes: number, arriveUs: number): Stamp {
    const { nowUs, ordinaryDelayUs, onChange } = this.#options
    if (this.#concerns(from, to)) {
      const key = `${from}>${to}`
      this.#sentSizeBytes.set(key, (this.#sentSizeBytes.get(key) ?? 0) + sizeBytes)
      if (arriveUs - nowUs() > ordinaryDelayUs) onChange(from, to, arriveUs)
    }
    return { sentUs: nowUs(), heardUs: this.#heardUs.get(`${from}<${to}`) ?? never }
  }

  read(from: string, to: string, { sentUs, heardUs }: Stamp): void {
    if (!this.#concerns(from, to)) return
    const key = `${to}<${from}`
    this.#heardUs.set(key, Math.max(this.#heardUs.get(key) ?? never, sentUs))
    this.#answeredUs.set(key, Math.max(this.#answeredUs.get(key) ?? never, heardUs))
    const { nowUs, ordinaryDelayUs, onChange } = this.#options
    if (nowUs() - sentUs > ordinaryDelayUs) onChange(from, to, nowUs())
  }

  flowChanged(from: string, to: string): void {
    if (this.#concerns(from, to)) this.#options.onChange(from, to, this.#options.nowUs())
  }

  /** When the newest bytes of `from` that `by` has read were sent. */
  heardUs(by: string, from: string): number {
    return this.#heardUs.get(`${by}<${from}`) ?? never
  }

  /** `host` knows that `other` has heard it at this time or later. */
  answeredUs(host: string, other: string): number {
    return this.#answeredUs.get(`${host}<${other}`) ?? never
  }

  /** In one direction, from the beginning of the run. */
  sentSizeBytes(from: string, to: string): number {
    return this.#sentSizeBytes.get(`${from}>${to}`) ?? 0
  }

  #concerns(from: string, to: string): boolean {
    return this.#options.isServerHost(from) && this.#options.isServerHost(to)
  }
}
