/** Writes the emoji of reactions as Discord does. */

/**
 * One character that is an emoji by itself, such as most. The set of all emoji takes 8 ms to build, and
 * a start must not pay for it.
 */
const SINGLE = /^(?!\p{Regional_Indicator})\p{Emoji_Presentation}$/u;
const WHOLE = /^\p{RGI_Emoji}$/v;
/** A Unicode emoji, with or without its variation selector, or a server's own as in a message. */
const WRITTEN = /^(?:\p{RGI_Emoji}|\p{Extended_Pictographic}\uFE0F?|<a?:\w{2,32}:\d{17,20}>)$/v;
const SELECTORS = /[\ufe0e\ufe0f]/g;
/** A character that is a picture only with the selector behind it. */
const PLAIN = /(?!\p{Emoji_Presentation})\p{Emoji}(?!\p{Emoji_Modifier})/gu;

/** Whether a text of the config is one emoji, or one of a server's own as `<:name:id>`. */
export function isWrittenEmoji(text: string): boolean {
  return SINGLE.test(text) || WRITTEN.test(text);
}

/**
 * An emoji with the variation selectors that Discord's own client writes: `"❤️"` and never `"❤"`,
 * `"👍"` and never `"👍️"`. Discord takes other spellings for another reaction, or refuses them.
 *
 * @param emoji Unicode, or `"<:name:id>"`, which stays.
 */
export function reactionEmoji(emoji: string): string {
  if (emoji.startsWith("<") || SINGLE.test(emoji) || WHOLE.test(emoji)) return emoji;
  const bare = emoji.replace(SELECTORS, "");
  const full = bare.replace(PLAIN, "$&\ufe0f");
  return [bare, full].find((one) => WHOLE.test(one)) ?? emoji;
}

/**
 * An emoji for the API's paths, not yet encoded: messages have `"<:name:id>"`, or `"<a:…>"` if
 * animated; the API takes `"name:id"`.
 */
export function emojiInPath(emoji: string): string {
  const [, custom] = /^<a?:(\w+:\d+)>$/.exec(emoji) ?? [];
  return custom ?? emoji;
}
