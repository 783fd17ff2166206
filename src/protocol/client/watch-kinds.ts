/**
 * The numbers by which clients name watches: the mode of addWatch (ZK: WatcherMode), and the type of removeWatches
 * and checkWatches (ZK: WatcherType). A number outside its table is a body that cannot be decoded, not a bad argument.
 */
export const addWatchModes = {
  persistent: 0, // fires until removed
  recursive: 1, // likewise, and for everything below its path
} as const
export type AddWatchMode = keyof typeof addWatchModes

export const watcherTypes = {
  children: 1, // set by getChildren
  data: 2, // set by getData and exists
  any: 3,
  persistent: 4,
  recursive: 5,
} as const
export type WatcherType = keyof typeof watcherTypes

const modeNames: readonly AddWatchMode[] = ['persistent', 'recursive']
const typeNames: readonly WatcherType[] = ['children', 'data', 'any', 'persistent', 'recursive']

/** Null: there is no such mode. */
export function addWatchModeOf(wireMode: number): AddWatchMode | null {
  return modeNames[wireMode] ?? null
}

/** Null: there is no such type. */
export function watcherTypeOf(wireType: number): WatcherType | null {
  return typeNames[wireType - 1] ?? null
}
