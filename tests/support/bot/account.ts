/**
 * Checks exactly-once delivery: compares expected replies with posted messages.
 *
 * Each question has its own words, and the scripted model repeats them. So a piece of a reply names
 * its question. This check needs a proof, too: its own test gives it lists with each fault.
 */

/**
 * The expected replies of one channel, or of one person there: their pieces, in the order of the
 * questions.
 */
export interface Owed {
  readonly channel: string;
  readonly pieces: readonly string[];
}

export interface Account {
  readonly owed: number;
  readonly answered: number;
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
  /** Pieces that come before one that they should follow. */
  readonly outOfOrder: readonly string[];
}

/** @param written The bot's messages in a channel, oldest first. */
export function accountOf(
  owed: readonly Owed[],
  written: (channel: string) => readonly string[],
): Account {
  const judged = owed.flatMap(({ channel, pieces }) => {
    const texts = written(channel);
    let last = -1;
    return pieces.map((piece) => {
      const places = texts.flatMap((text, index) => text.includes(piece) ? [index] : []);
      const first = places[0] ?? last;
      const isLate = first < last;
      last = Math.max(last, first);
      return { piece, count: places.length, isLate };
    });
  });
  const piecesWhere = (holds: (piece: (typeof judged)[number]) => boolean) =>
    judged.filter(holds).map(({ piece }) => piece);
  return {
    owed: judged.length,
    answered: piecesWhere(({ count }) => count > 0).length,
    lost: piecesWhere(({ count }) => count === 0),
    doubled: piecesWhere(({ count }) => count > 1),
    outOfOrder: piecesWhere(({ isLate }) => isLate),
  };
}

/** The result for a bot that sent all expected replies, and nothing else. */
export function settled(owed: readonly Owed[]): Account {
  const count = owed.reduce((sum, { pieces }) => sum + pieces.length, 0);
  return { owed: count, answered: count, lost: [], doubled: [], outOfOrder: [] };
}
