/**
 * A text of at most `max` characters (UTF-16 units), ending in `…` if it was cut.
 *
 * Never ends in half of a surrogate pair: Discord would refuse the message, and so would a model.
 */
export function bounded(text: string, max: number): string {
  if (text.length <= max) return text.toWellFormed();
  return `${text.slice(0, max - 1).replace(/[\uD800-\uDBFF]$/, "")}…`.toWellFormed();
}
