/**
 * Names that strangers chose, in sentences that people read at Discord.
 *
 * @module
 */

/** Characters that are shown, at most: a guild's name has 100. */
const MAX_LENGTH = 100;

/**
 * A name as code: in it nothing mentions anybody, links anywhere or looks like words of ours, and
 * what nobody sees is left out.
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
