/** What the exit status of zkts-cli means; docs/reference/cli.md lists the same rows. Scripts depend on the numbers. */
export const exitCodes = {
  ok: { code: 0, meaning: 'Done.' },
  refused: { code: 1, meaning: 'The server refused; its error name is on standard error.' },
  usage: { code: 2, meaning: 'The command line, or a line of the shell, is not understood.' },
  unreachable: { code: 3, meaning: 'No server accepted a connection or session in time.' },
  lost: {
    code: 4,
    meaning: 'The connection broke or the session ended before the answer; the request may have taken effect.',
  },
  unread: {
    code: 141,
    meaning: 'Whoever read the output has left, as `head` does; what was still to do was not done.',
  },
} as const

export type ExitName = keyof typeof exitCodes

/** Ends a command: `message` goes to standard error, the status to the shell. */
export class CliFailure extends Error {
  readonly exit: ExitName
  /** ZooKeeper's name for it, where there is one. */
  readonly errorName: string | null

  constructor(exit: ExitName, message: string, errorName: string | null = null) {
    super(message)
    this.name = 'CliFailure'
    this.exit = exit
    this.errorName = errorName
  }
}
