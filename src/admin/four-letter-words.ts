/**
 * The four-letter words: one table from word to text (ZK: org.apache.zookeeper.server.command). Scripts and monitors of
 * twenty years parse the text, so it equals ZooKeeper's to the byte.
 * Owns: the texts. Assumes: the sources were taken in this turn of the event loop. Nothing here waits or has effects: a
 * word that changes something answers with an action, which the caller performs before it sends the text.
 */
import type { AdminWord } from '../base/admin-words.ts'
import { assert } from '../base/assert.ts'
import type { AdminSources } from './admin-sources.ts'
import { renderConf } from './conf-text.ts'
import { asLines, renderCons, renderStat } from './connection-text.ts'
import { renderDump } from './dump-text.ts'
import { renderEnvi, type StartingSources } from './envi-text.ts'
import type { LeadershipWord } from './leadership-text.ts'
import { renderMntr } from './mntr-text.ts'
import { renderPathsByWatcher, renderWatchCounts, renderWatchersByPath } from './watch-text.ts'

/** A word as a client sent it. `traceMask` is the argument of stmk; null for all other words. */
export interface WordQuestion {
  readonly word: AdminWord
  readonly traceMask: bigint | null
}

export type AdminAction =
  | { readonly kind: 'reset-connection-statistics' }
  | { readonly kind: 'reset-server-statistics' }
  | { readonly kind: 'set-trace-mask'; readonly traceMask: bigint }
  /** The text is rendered by checkpoint-text.ts once the checkpoint is durable; the client waits for it. */
  | { readonly kind: 'make-checkpoint' }
  /** The text is rendered by leadership-text.ts when it has ended. */
  | { readonly kind: 'hand-over'; readonly word: LeadershipWord }

export interface WordAnswer {
  readonly text: string
  readonly action: AdminAction | null
}

type Answer = (sources: AdminSources, question: WordQuestion) => WordAnswer

/** ZK: ZooTrace.getTextTraceLevel. The mask is kept and shown; since ZooKeeper left log4j it has no effect. */
export const traceMaskDefault = 306n

const notServing = 'This ZooKeeper instance is not currently serving requests'

const answers: Readonly<Record<AdminWord, Answer>> = {
  ckpt: () => ({ text: '', action: { kind: 'make-checkpoint' } }),
  conf: whenServing(({ status, details }) => renderConf(status, details.furtherSettings())),
  cons: whenServing(({ details }) => renderCons(details.connections())),
  crst: changing('Connection stats reset.', { kind: 'reset-connection-statistics' }),
  dirs: whenServing(({ status }) =>
    asLines([`datadir_size: ${status.dataDirSizeBytes}`, `logdir_size: ${status.dataLogDirSizeBytes}`]),
  ),
  dump: whenServing(({ details }) => renderDump(details)),
  envi: always(renderEnvi),
  gtmk: always(({ details }) => String(details.traceMask())),
  // On a server that does not serve, hash is the only word whose text has no newline at its end (ZK: DigestCommand).
  hash: ({ status, details }) => answerOf(status.serving === null ? notServing : renderDigests({ details })),
  isro: always(({ status }) => (status.serving === null ? 'null' : status.serving.mode === 'read-only' ? 'ro' : 'rw')),
  mntr: whenServing(({ status, details }) => renderMntr(status, details.metrics(), details.fileDescriptors())),
  rqld: () => ({ text: '', action: { kind: 'hand-over', word: 'rqld' } }),
  ruok: always(() => 'imok'),
  srst: changing('Server stats reset.', { kind: 'reset-server-statistics' }),
  srvr: whenServing(({ status }) => renderStat(status, null)),
  stat: whenServing(({ status, details }) => renderStat(status, details.connections())),
  stmk(_sources, { traceMask }) {
    assert(traceMask !== null, 'stmk comes with a mask')
    return { text: String(traceMask), action: { kind: 'set-trace-mask', traceMask } }
  },
  wchc: whenServing(({ details }) => renderPathsByWatcher(details)),
  wchp: whenServing(({ details }) => renderWatchersByPath(details)),
  wchs: whenServing(({ details }) => renderWatchCounts(details)),
  ydld: () => ({ text: '', action: { kind: 'hand-over', word: 'ydld' } }),
}

/** The whole answer to a known word; the connection is closed after it. */
export function answerFourLetterWord(
  question: WordQuestion,
  whitelist: readonly AdminWord[],
  sources: AdminSources,
): WordAnswer {
  const { word } = question
  if (!whitelist.includes(word)) return answerOf(notWhitelisted(word))
  return answers[word](sources, question)
}

/** The answer while the server reads its data: as one of a server that does not serve. */
export function answerWhileStarting(
  word: AdminWord,
  whitelist: readonly AdminWord[],
  sources: StartingSources,
): string {
  if (!whitelist.includes(word)) return notWhitelisted(word)
  switch (word) {
    case 'ruok':
      return 'imok'
    case 'isro':
      return 'null'
    case 'envi':
      return renderEnvi(sources)
    case 'gtmk':
      return String(traceMaskDefault)
    case 'hash':
      return notServing
    default:
      return `${notServing}\n`
  }
}

function renderDigests({ details }: Pick<AdminSources, 'details'>): string {
  return asLines(details.digests().map(({ zxid, digest }) => `${zxid.toString(16)}: ${digest}`))
}

function answerOf(text: string): WordAnswer {
  return { text, action: null }
}

function notWhitelisted(word: AdminWord): string {
  return `${word} is not executed because it is not in the whitelist.\n`
}

function always(render: (sources: AdminSources) => string): Answer {
  return (sources) => answerOf(render(sources))
}

function whenServing(render: (sources: AdminSources) => string): Answer {
  return (sources) => answerOf(sources.status.serving === null ? `${notServing}\n` : render(sources))
}

function changing(text: string, action: AdminAction): Answer {
  return ({ status }) => (status.serving === null ? answerOf(`${notServing}\n`) : { text: `${text}\n`, action })
}
