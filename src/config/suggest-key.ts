/** The nearest known word to a mistyped one, for "did you mean". */
export function nearestWord(word: string, known: readonly string[]): string | null {
  const plain = word.replace(/^zookeeper\./, '')
  let best: string | null = null
  // A third of the letters may be wrong. With more the suggestion would be a guess.
  let bestDistance = Math.floor(plain.length / 3) + 1
  for (const candidate of known) {
    const distance = editDistance(plain.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** Insertions, deletions and replacements that turn one text into the other. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replace = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replace, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}
