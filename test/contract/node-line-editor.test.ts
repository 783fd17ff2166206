import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { nodeLineEditor } from '../../src/io/node-line-editor.ts'
import type { LineEditorOptions, OpenLineEditor } from '../../src/ports/terminal.ts'

const arrowUp = '\u001b[A'
const enter = '\r'

class Keyboard {
  readonly editor: OpenLineEditor
  readonly lines: AsyncIterator<string>
  shown = ''
  readonly #input = new PassThrough()

  constructor(isTerminal: boolean, options: Partial<LineEditorOptions> = {}) {
    const output = new PassThrough()
    output.on('data', (chunk: Buffer) => {
      this.shown += chunk.toString()
    })
    this.editor = nodeLineEditor({ input: this.#input, output, isTerminal }).open({
      history: [],
      isRemembered: () => true,
      complete: async () => ({ word: '', candidates: [] }),
      ...options,
    })
    this.lines = this.editor.lines[Symbol.asyncIterator]()
  }

  async line(keys: string): Promise<string | undefined> {
    const next = this.lines.next()
    if (keys !== '') this.#input.write(keys)
    const { value, done } = await next
    return done === true ? undefined : value
  }

  type(keys: string): void {
    this.#input.write(keys)
  }

  endInput(): void {
    this.#input.end()
  }
}

describe('lines of a pipe', () => {
  it('are read unchanged, also several in one chunk, until the input ends', async () => {
    const keyboard = new Keyboard(false)
    expect(await keyboard.line('one\ntwo\nthr')).toBe('one')
    expect(await keyboard.line('ee')).toBe('two')
    keyboard.endInput()
    expect(await keyboard.line('')).toBe('three')
    expect(await keyboard.line('')).toBe(undefined)
    keyboard.editor.writeAbove('event\n')
    expect(keyboard.shown).toBe('event\n')
  })
})

describe('lines of a terminal', () => {
  it('come from the history with the arrow keys, except lines that are not remembered', async () => {
    const keyboard = new Keyboard(true, { history: ['oldest', 'older'], isRemembered: (line) => line !== 'secret' })
    keyboard.editor.prompt('> ')
    expect(await keyboard.line(`typed${enter}`)).toBe('typed')
    expect(await keyboard.line(`secret${enter}`)).toBe('secret')
    expect(await keyboard.line(`${arrowUp}${enter}`)).toBe('typed')
    expect(await keyboard.line(`${arrowUp}${arrowUp}${arrowUp}${enter}`)).toBe('oldest')
  })

  it('are completed by the Tab key', async () => {
    const asked: string[] = []
    let onCompleted = (): void => undefined
    const completed = new Promise<void>((resolve) => {
      onCompleted = resolve
    })
    const keyboard = new Keyboard(true, {
      complete: async (text) => {
        asked.push(text)
        setImmediate(onCompleted)
        return { word: '/a', candidates: ['/apple'] }
      },
    })
    keyboard.editor.prompt('> ')
    keyboard.type('ls /a\t')
    await completed
    expect(await keyboard.line(enter)).toBe('ls /apple')
    expect(asked).toEqual(['ls /a'])
  })

  it('are shown again after text was written above them', async () => {
    const keyboard = new Keyboard(true)
    keyboard.editor.prompt('> ')
    keyboard.type('half')
    await new Promise<void>((resolve) => setImmediate(resolve))
    keyboard.shown = ''
    keyboard.editor.writeAbove('watch: /a created\n')
    await new Promise<void>((resolve) => setImmediate(resolve))
    const written = keyboard.shown
    expect(written.indexOf('> half')).toBeGreaterThan(written.indexOf('watch: /a created\n'))
    expect(await keyboard.line(` done${enter}`)).toBe('half done')
  })

  it('end when the editor is closed', async () => {
    const keyboard = new Keyboard(true)
    const next = keyboard.lines.next()
    keyboard.editor.close()
    expect((await next).done).toBe(true)
  })
})
