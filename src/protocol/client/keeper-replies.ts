/**
 * The reply bodies that only ClickHouse Keeper has. filteredList is answered like getChildren2 and
 * createIfNotExists like create; the other writes and checks have no body.
 */
import { buffer, text, vector } from '../../jute/fields.ts'
import { type Infer, record } from '../../jute/record.ts'
import { Stat } from './stat.ts'

/** `stats` and `data` are parallel to `children`, and are empty unless the request asked for them. */
export const DetailedListReply = record('FilteredListWithStatsAndDataResponse', {
  children: vector(text),
  stat: Stat,
  stats: vector(Stat),
  data: vector(buffer),
})
export type DetailedListReply = Infer<typeof DetailedListReply>

/** Whole paths. */
export const ListRecursiveReply = record('ListRecursiveResponse', { paths: vector(text) })
export type ListRecursiveReply = Infer<typeof ListRecursiveReply>
