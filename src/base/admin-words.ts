/**
 * The four-letter words by name (ZK: FourLetterCommands); `ckpt`; and `rqld` and `ydld`, which ClickHouse Keeper has. Config
 * checks a whitelist against them and a connection recognises them. src/admin decides what a word prints.
 */
export const adminWords = [
  'ckpt',
  'conf',
  'cons',
  'crst',
  'dirs',
  'dump',
  'envi',
  'gtmk',
  'hash',
  'isro',
  'mntr',
  'rqld',
  'ruok',
  'srst',
  'srvr',
  'stat',
  'stmk',
  'wchc',
  'wchp',
  'wchs',
  'ydld',
] as const

export type AdminWord = (typeof adminWords)[number]

/**
 * The words that are answered without a whitelist: those that only read and whose cost does not grow with the tree.
 * ZooKeeper's default is `srvr` alone, so its operators see little until they change a file.
 */
export const adminWordsByDefault: readonly AdminWord[] = [
  'conf',
  'cons',
  'dirs',
  'envi',
  'gtmk',
  'hash',
  'isro',
  'mntr',
  'ruok',
  'srvr',
  'stat',
  'wchs',
]

export function isAdminWord(text: string): text is AdminWord {
  return (adminWords as readonly string[]).includes(text)
}
