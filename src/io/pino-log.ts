/**
 * Log lines by pino: JSON on a pipe or file, readable on a terminal. The event name is the message; what varies
 * is a field. Errors given as `err` are rendered with code and stack.
 */
import { type Logger, type LoggerOptions, pino } from 'pino'
import pretty from 'pino-pretty'
import type { Log, LogFields } from '../ports/log.ts'

export const logLevels = ['error', 'warn', 'info', 'debug', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

export interface PinoLogOptions {
  readonly level: LogLevel
  /** Readable lines instead of JSON. */
  readonly pretty: boolean
  /** 1 = standard output, 2 = standard error. */
  readonly fileDescriptor: number
}

export function pinoLog(options: PinoLogOptions): Log {
  const settings: LoggerOptions = { level: options.level, base: null, messageKey: 'event', timestamp: isoTimestamp }
  // Written at once, not buffered: the last line before an exit is the one that matters.
  const destination = options.pretty
    ? pretty({ sync: true, destination: options.fileDescriptor, messageKey: 'event', translateTime: 'SYS:HH:MM:ss.l' })
    : pino.destination({ fd: options.fileDescriptor, sync: true })
  return fromPino(pino(settings, destination))
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
