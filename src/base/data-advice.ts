/**
 * How an operator empties a server that then copies the data of the others. Every text that advises this uses these
 * words. Beside the log, dataDir holds the folder identity, and a start without the log refuses an identity that
 * remembers data. The configuration may be in dataDir, too, and must stay.
 */
export const moveDataAway = 'move the content of dataDir and dataLogDir away, except myid and zoo.cfg'
