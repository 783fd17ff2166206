/**
 * What an operator does so that a server starts empty and copies the data of the others. In one place, since a text that
 * forgets `myid` makes a server that no longer starts.
 */
export function moveDataAway(whose: '' | 'its ' | 'their '): string {
  return `move the content of ${whose}dataDir and dataLogDir away, except myid`
}
