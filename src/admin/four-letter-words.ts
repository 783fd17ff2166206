/**
 * The four-letter words: one table from word to text (ZK: org.apache.zookeeper.server.command). The text is read by
 * scripts and monitors of twenty years, so it is ZooKeeper's to the byte.
 * Owns: wording. Assumes: the status was taken in this turn of the event loop; nothing here waits or has effects.
 */
import type { AdminWord } from '../base/admin-words.ts'
import { renderConf } from './conf-text.ts'
import { renderCons, renderStat } from './connection-text.ts'
import { renderEnvi } from './envi-text.ts'
import { renderMntr } from './mntr-text.ts'
import type { AdminSources } from './server-status.ts'

type Render = (sources: AdminSources) => string

const renderers: Partial<Readonly<Record<AdminWord, Render>>> = {
  ruok: () => 'imok',
  isro: ({ status }) => (status.serving === null ? 'null' : status.serving.mode === 'read-only' ? 'ro' : 'rw'),
  envi: renderEnvi,
  srvr: whenServing(({ status }) => renderStat(status, 'brief')),
  stat: whenServing(({ status }) => renderStat(status, 'with-clients')),
  cons: whenServing(({ status }) => renderCons(status)),
  conf: whenServing(({ status }) => renderConf(status)),
  mntr: whenServing(({ status }) => renderMntr(status)),
}

/** The words that have an answer in this release, sorted. */
export const answeredWords: readonly AdminWord[] = (Object.keys(renderers) as AdminWord[]).sort()

/** The whole answer to a known word; the connection is closed after it. */
export function answerFourLetterWord(word: AdminWord, whitelist: readonly AdminWord[], sources: AdminSources): string {
  if (!whitelist.includes(word)) return `${word} is not executed because it is not in the whitelist.\n`
  const render = renderers[word]
  return render === undefined ? `${word} is not supported yet.\n` : render(sources)
}

function whenServing(render: Render): Render {
  return (sources) =>
    sources.status.serving === null ? 'This ZooKeeper instance is not currently serving requests\n' : render(sources)
}
