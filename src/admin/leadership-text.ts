/** The texts of `rqld` and `ydld`, which ClickHouse Keeper has and ZooKeeper does not. */

export type LeadershipWord = 'rqld' | 'ydld'

const names = { rqld: 'leadership request', ydld: 'yield leadership request' } as const

/**
 * One line as ClickHouse Keeper writes it, without a newline at its end. It begins with `Failed` if `problem` is not null,
 * which is a second line then; zkts-cli recognises a failure by that.
 */
export function renderLeadership(word: LeadershipWord, problem: string | null): string {
  if (problem === null) return `Sent ${names[word]} to leader.`
  return `Failed to send ${names[word]} to leader.\n${problem}`
}
