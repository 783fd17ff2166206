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

/** Where nothing else has the data: what the log has after the checkpoint of `zxid` is given up. */
export function goOnFromCheckpoint(zxid: string, walFolder: string): string {
  return (
    `A server that is alone and has no backup can go on from its checkpoint, which has the data up to ${zxid}; the line ` +
    `checkpoint-made with this zxid in the log says of when. All writes after it are lost then. To do that, move ${walFolder} away, ` +
    'run "zkts-cli data adopt --config FILE --new-cluster", and start the server.'
  )
}
