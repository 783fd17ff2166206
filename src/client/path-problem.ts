/** Explains what is wrong with a path; a server would answer only bad-arguments. */
import { parseZnodePath } from '../protocol/client/path.ts'

/** Null: the path is legal. */
export function pathProblem(text: string): string | null {
  if (text === '') return 'the path is empty; write /name, or / for the root'
  if (!text.startsWith('/')) return `"${text}" is not a path; a path begins with /: write /${text}`
  if (parseZnodePath(text).ok) return null
  const plain = text.replaceAll(/\/{2,}/g, '/').replace(/(.)\/$/, '$1')
  if (text.includes('//')) return `"${text}" has an empty name between two slashes; write ${plain}`
  if (plain !== text) return `"${text}" ends with a slash; write ${plain}`
  const dots = text.split('/').find((name) => name === '.' || name === '..')
  if (dots !== undefined) return `"${text}" has the name "${dots}", which no znode can have; write the whole path`
  const character = [...text].find((each) => !/[/.]/.test(each) && !parseZnodePath(`/${each}`).ok) ?? ''
  const point = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
  return `${JSON.stringify(text)} has the character U+${point}, which no path can have`
}
