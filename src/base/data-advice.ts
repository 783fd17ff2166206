/**
 * How an operator empties a server that then copies the data of the others. Every text that advises this uses these
 * words. Beside the log, dataDir holds the folder identity, and a start without the log refuses an identity that
 * remembers data. The configuration may be in dataDir, too, and must stay.
 */
export const moveDataAway = 'move the content of dataDir and dataLogDir away, except myid and zoo.cfg'

/** What makes a copied or renumbered data folder usable. */
export const adoptAdvice =
  'If this data is meant for this server, run "zkts-cli data adopt --config FILE", with the configuration of this server: ' +
  "it checks the data and makes it this server's own."
