/**
 * The numbers by which clients name watches: the mode of addWatch (ZK: WatcherMode), and the type of removeWatches
 * and checkWatches (ZK: WatcherType). A body with a number outside its table cannot be decoded (marshalling-error).
 */
export const addWatchModes = {
  persistent: 0, // fires until removed
  recursive: 1, // fires until removed, also for everything below its path
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

/** Null: the number is no mode. */
export function addWatchModeOf(wireMode: number): AddWatchMode | null {
  return modeNames[wireMode] ?? null
}

/** Null: the number is no type. */
export function watcherTypeOf(wireType: number): WatcherType | null {
  return typeNames[wireType - 1] ?? null
}
