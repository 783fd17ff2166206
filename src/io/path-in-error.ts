/**
 * Adds the path to an error of an operation on an open file. Node.js writes it only into errors of operations that get a
 * path, so an operator would read "EIO: i/o error, read" and not know which file that is about.
 */
export function withPath(error: unknown, path: string): unknown {
  if (error instanceof Error && 'code' in error && !error.message.includes(path)) {
    error.message += ` '${path}'`
    Object.assign(error, { path })
  }
  return error
}

/** For `catch` of a promise. */
export function rejectWithPath(path: string): (error: unknown) => never {
  return (error) => {
    throw withPath(error, path)
  }
}
