/**
 * Words that stop a reader: each says less than the plain words beside it, or leaves open who does what.
 * docs/contributing/style.md shows these rows as its table of words. A pattern is matched against each line of code,
 * comments, strings and documents, names of types and files included; a pattern leaves out the literal meaning of its word.
 */
export interface BannedWord {
  /** As people know it; also its key in words-left.json. */
  readonly word: string
  readonly pattern: RegExp
  readonly write: string
  readonly why: string
}

const whoIsMeant = 'a reader asks who is meant'
const notEnglish = 'English has another word for it'
const picture = 'a picture hides what is meant'

/** Verbs that make "there" the start of a sentence ("there is one voter"), which is plain English. */
const thereIs =
  "(?! (also |still |already |often |now |only |never |always |then )?(is|are|was|were|be|been|will|would|may|might|can|could|cannot|must|shall|should|has|have|had|exists?|remains?|seems?)\\b|'s)"

export const bannedWords: readonly BannedWord[] = [
  {
    word: 'told',
    pattern: /\btold\b|\btelling\b/gi,
    write: 'notified, answered, sent, acknowledged, logged; "distinguished from" for "told apart"',
    why: 'it hides by which message, and to whom',
  },
  {
    word: 'behind (for after)',
    pattern: /\bbehind\b(?! (a |the )?(proxy|proxies|firewall|load balancer|NAT))/gi,
    write: 'after, later than; "queued after"; "lags" of a learner',
    why: 'order in time and in bytes is before and after',
  },
  {
    word: 'nobody',
    pattern: /\bnobody\b/gi,
    write: 'the client, server or reader that does not: "no client", "never", "no longer used"',
    why: whoIsMeant,
  },
  {
    word: 'somebody, everybody',
    pattern: /\b(some|every)(body|one)\b/gi,
    write: 'the client, every server, each operator',
    why: whoIsMeant,
  },
  { word: 'whoever', pattern: /\bwho(so)?ever\b/gi, write: 'the client that; the caller that', why: whoIsMeant },
  {
    word: 'there (for a place)',
    pattern: new RegExp(`(?<!\\b(is|are|was|were|may be|will be|not|from|up to) )\\bthere\\b${thereIs}`, 'gi'),
    write: 'in ZooKeeper, in that file, on the leader; "exists" or "missing" for "is (not) there"',
    why: 'a reader asks where',
  },
  {
    word: 'is there, not there (for exists)',
    pattern: new RegExp(`\\b(is|are|was|were|may be|will be|not) there\\b${thereIs}`, 'gi'),
    write: 'exists, is present, has arrived; does not exist, is missing',
    why: 'a reader asks where',
  },
  {
    word: 'desk',
    pattern: /desks?(?![a-z])/gi,
    write: 'what the part does: clients, sessions, write decider',
    why: 'no field of computing has one',
  },
  {
    word: 'world',
    pattern: /(?<!outside |hello |schemes )(?<![`'":/=])worlds?(?![`'":]|_|wide|ACL\b)/gi,
    write: 'the thing itself: ports, terminal, context, test rig (the ACL scheme `world` is in quotes)',
    why: picture,
  },
  {
    word: 'goodbye, farewell',
    pattern: /(?<!greeting )goodbyes?|farewells?/gi,
    write: 'the last reply, the close reply, close',
    why: picture,
  },
  {
    word: 'stranger',
    pattern: /\bstrangers?\b/gi,
    write: 'an unknown client, a peer of another ensemble',
    why: picture,
  },
  {
    word: 'whose business',
    pattern: /\b(the|its|their|no|own) business\b/gi,
    write: 'who owns it, who decides it',
    why: picture,
  },
  {
    word: 'ourselves, myself',
    pattern: /\b(ourselves|ourself|myself)\b/gi,
    write: 'self, this server',
    why: notEnglish,
  },
  { word: 'afresh, anew', pattern: /\b(afresh|anew)\b/gi, write: 'again, from the start', why: notEnglish },
  {
    word: 'no more (for no longer)',
    pattern: /\b(is|are|leads?|exists?|lives?|follows?|holds?|reads?|serves?|needs?|counts?) no more\b(?! than)/gi,
    write: 'no longer leads',
    why: notEnglish,
  },
  {
    word: 'so many (for a number)',
    pattern: /\b(after|of|every|for|within|up to|at most) so (many|much|long)\b/gi,
    write: 'the number or its name: "after commitMarkIntervalTxns commits"',
    why: 'a reader asks how many',
  },
  {
    word: 'comes to, came to (for results in)',
    pattern: /\b(comes|came|come) to\b(?= (nothing|something|that|this|the same|in)\b|[.,;:)])/gi,
    write: 'the outcome, the result',
    why: notEnglish,
  },
  { word: 'lacks here', pattern: /\blacks? here\b/gi, write: 'is missing; has no effect', why: 'a riddle' },
  {
    word: 'content with (for accepts)',
    pattern: /\bcontent (with|to)\b/gi,
    write: 'accepts',
    why: 'programs have no feelings',
  },
  {
    word: 'lets go of, turned away',
    pattern: /\blet(s|ting)? go\b|\bturn(s|ed)? away\b/gi,
    write: 'sends, releases; refuses',
    why: picture,
  },
  {
    word: 'for good (for permanently)',
    pattern: /\bfor good\b(?! reason)/gi,
    write: 'permanently, until the session ends',
    why: notEnglish,
  },
  {
    word: 'hears of',
    pattern: /\b(hear|hears|heard|hearing) of\b/gi,
    write: 'learns, receives, is notified of',
    why: 'it hides by which message',
  },
]
