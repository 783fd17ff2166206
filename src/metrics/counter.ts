/** A number that only grows, until an operator resets it. A part that counts keeps the object, so that counting is one addition. */
export class Counter {
  #value = 0

  add(amount = 1): void {
    this.#value += amount
  }

  get value(): number {
    return this.#value
  }

  reset(): void {
    this.#value = 0
  }
}
