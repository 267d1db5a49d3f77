/**
 * A text of at most so many characters (UTF-16 units), ending in `…` where it was cut.
 *
 * Half of a surrogate pair is no text: Discord would refuse it, and so would
 * a model.
 */
export function bounded(text: string, max: number): string {
  if (text.length <= max) return text.toWellFormed();
  return `${text.slice(0, max - 1).replace(/[\uD800-\uDBFF]$/, "")}…`.toWellFormed();
}
