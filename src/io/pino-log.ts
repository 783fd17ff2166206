/**
 * Log lines written by pino: JSON on a pipe or file, readable on a terminal. The event name is the message; everything
 * that varies is a field. An error in the field `err` is written with its code and stack.
 */
import { type Logger, type LoggerOptions, pino } from 'pino'
import { prettyFactory } from 'pino-pretty'
import type { Log, LogFields } from '../ports/log.ts'
import type { BoundedOutput } from './bounded-output.ts'

export const logLevels = ['error', 'warn', 'info', 'debug', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

export interface PinoLogOptions {
  readonly level: LogLevel
  /** Readable lines instead of JSON. */
  readonly pretty: boolean
  /** The lines that it drops are reported in a line of this log. */
  readonly output: BoundedOutput
}

export function pinoLog({ level, pretty, output }: PinoLogOptions): Log {
  const settings: LoggerOptions = { level, base: null, messageKey: 'event', timestamp: isoTimestamp }
  // Not by a stream of pino-pretty, which would queue lines without a limit.
  const render = pretty ? prettyFactory({ messageKey: 'event', translateTime: 'SYS:HH:MM:ss.l' }) : asItIs
  const log = fromPino(pino(settings, { write: (line: string) => output.write(render(line)) }))
  output.onLost = (lineCount) => log.warn('log-lines-lost', { lineCount })
  return log
}

function asItIs(line: string): string {
  return line
}

function isoTimestamp(): string {
  return `,"time":"${new Date().toISOString()}"`
}

function fromPino(logger: Logger): Log {
  return {
    error: (event, fields = noFields) => logger.error(fields, event),
    warn: (event, fields = noFields) => logger.warn(fields, event),
    info: (event, fields = noFields) => logger.info(fields, event),
    debug: (event, fields = noFields) => logger.debug(fields, event),
    child: (fields) => fromPino(logger.child(fields)),
  }
}

const noFields: LogFields = {}
