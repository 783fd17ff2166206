export interface Random {
  /** Uniform over 0 .. 2³²-1. */
  uint32(): number
}
