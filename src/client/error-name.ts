/** Error codes of replies back to names. A code that no table knows comes from a newer server. */
import { type ErrorName, errors } from '../base/errors.ts'

const nameByCode: ReadonlyMap<number, ErrorName> = new Map(
  (Object.keys(errors) as ErrorName[]).map((name) => [errors[name].code, name]),
)

export function errorNameOf(code: number): ErrorName {
  return nameByCode.get(code) ?? 'system-error'
}
