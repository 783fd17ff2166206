/** The exit statuses of zkts-cli; docs/reference/cli.md has the same rows. Scripts depend on the numbers. */
export const exitCodes = {
  ok: { code: 0, meaning: 'Done.' },
  refused: { code: 1, meaning: 'The server refused the request; the error name is on standard error.' },
  usage: { code: 2, meaning: 'The command line, or a line in the shell, has an error.' },
  unreachable: { code: 3, meaning: 'No server accepted a connection or session in time.' },
  lost: {
    code: 4,
    meaning: 'The connection broke or the session ended before the answer; the request may have taken effect.',
  },
  unread: {
    code: 141,
    meaning: 'The reader of the output ended early, as `head` does; the command stopped.',
  },
} as const

export type ExitName = keyof typeof exitCodes

/** Ends a command with a message on standard error and an exit status. */
export class CliFailure extends Error {
  readonly exit: ExitName
  /** The name that the error has in zkts (base/errors.ts), or null. */
  readonly errorName: string | null

  constructor(exit: ExitName, message: string, errorName: string | null = null) {
    super(message)
    this.name = 'CliFailure'
    this.exit = exit
    this.errorName = errorName
  }
}
