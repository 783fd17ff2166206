/** What the exit status of zkts-server means; docs/reference/zkts-server.md lists the same rows. Units depend on the numbers. */
export const exitCodes = {
  closed: { code: 0, meaning: 'Closed on request (SIGTERM, SIGINT).' },
  stopped: { code: 1, meaning: 'Stopped by itself: it could no longer trust its disk. The last log line says why.' },
  usage: { code: 2, meaning: 'The command line or the configuration is wrong; standard error lists what to change.' },
  notStarted: {
    code: 3,
    meaning:
      'It could not start: the data folder or a port is not available. Standard error says which and what to do.',
  },
  bug: {
    code: 70,
    meaning: 'A bug: an invariant was violated or an error was not expected. Please report the last log line.',
  },
} as const satisfies Record<string, { readonly code: number; readonly meaning: string }>
