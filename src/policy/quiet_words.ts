/** Reads a message as a request to be quiet (I1): it counts only as a whole, mentions apart. */

const REQUEST =
  /^(?:please )?(?:(?:be |stay |keep )?quiet|stop(?: (?:it|that|talking|now|answering|replying))?|(?:be )?silent|silence|hush|shush|shh+|shut up|enough|that's enough|thats enough|not now|mute)(?: (?:please|now|bot|here|for now|for a while))*$/;
const MENTIONS = /<@!?\d{1,20}>|<@&\d{1,20}>/g;
/** Longer texts are no such request. */
const MAX_LENGTH = 100;

/**
 * Whether a text asks the bot to be quiet: "quiet", "be quiet please", "stop", "🤫".
 *
 * @param name The bot's user name, which may stand before or behind.
 */
export function asksForQuiet(text: string, name: string): boolean {
  if (text.length > MAX_LENGTH) return false;
  const bare = text.replace(MENTIONS, " ").toLowerCase();
  if (/^\s*(?:🤫|🤐)\s*$/u.test(bare)) return true;
  const words = ` ${bare.replace(/[’]/g, "'").replace(/[^\p{L}\p{N}' ]/gu, " ")} `
    .replaceAll(` ${name.toLowerCase()} `, " ").replace(/\s+/g, " ").trim();
  return REQUEST.test(words);
}
