import { expect, test } from 'vitest'
import { parseConfigText } from '../../src/config/properties-text.ts'

function pairs(text: string): readonly string[] {
  return parseConfigText(text).entries.map(({ key, value, line }) => `${line} ${key}=${value}`)
}

test('equals sign, colon and blanks all separate key and value', () => {
  expect(pairs('a=1\nb : 2\nc 3\nd\n  e\t=\t5  ')).toEqual(['1 a=1', '2 b=2', '3 c=3', '4 d=', '5 e=5'])
})

test('only the first separator counts', () => {
  expect(pairs('server.1=host:2888:3888;2181')).toEqual(['1 server.1=host:2888:3888;2181'])
})

test('comments and empty lines vanish but keep the line numbers right', () => {
  expect(pairs('# one\n\n ! two\r\na=1\r\n')).toEqual(['4 a=1'])
})

test('a backslash at the end of a line continues it without the next indentation', () => {
  expect(pairs('a=1,\\\n   2\nb=3\\\\\nc=4')).toEqual(['1 a=1,2', '3 b=3\\', '4 c=4'])
})

test('escapes are resolved in keys and values', () => {
  expect(pairs('a\\ b=\\u0041\\tx\nc\\=d=e')).toEqual(['1 a b=A\tx', '2 c=d=e'])
})

test('a malformed unicode escape is reported with its line', () => {
  expect(parseConfigText('a=1\nb=\\u12').malformed).toMatchObject([{ line: 2 }])
})

test('after a backslash alone the next line may be a comment', () => {
  expect(pairs('\\\n# comment\na=1\n\\\n\\')).toEqual(['3 a=1'])
})

test('blanks and control characters around a value go, a no-break space stays', () => {
  expect(pairs('a=\u00a0x\u00a0 \t\ufeff')).toEqual(['1 a=\u00a0x\u00a0 \t\ufeff'])
  expect(pairs('a=x\\u0001 ')).toEqual(['1 a=x'])
})
