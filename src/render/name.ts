/**
 * Shows names that other people chose within notices at Discord.
 *
 * @module
 */

/** Maximum number of characters to show; a guild's name may have 100. */
const MAX_LENGTH = 100;

/**
 * Formats a name as code. There it cannot mention anyone, contain a link, or pass for our own
 * words. Invisible characters are removed.
 */
export function nameAsCode(name: string): string {
  const seen = name.replace(/[\p{Cc}\s]+/gu, " ").replace(
    /[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu,
    "",
  )
    .replaceAll("`", "ˋ").trim();
  const shown = Array.from(seen).slice(0, MAX_LENGTH).join("");
  return shown === "" ? "`?`" : `\`${shown}\``;
}
