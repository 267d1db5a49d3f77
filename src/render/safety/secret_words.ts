/**
 * Tells which characters of a secret are secret by themselves.
 *
 * A part of a secret can be a common word: `https` and `github` in a URL, `horse` in a passphrase.
 * The first part of a bot token is the bot's id, which everyone may know. Without its neighbours,
 * such a part reveals nothing, and an answer may well contain it.
 *
 * @module
 */

/** Whether each UTF-16 unit of a secret is secret by itself. */
export function unguessable(secret: string): readonly boolean[] {
  const publicEnd = publicLength(secret);
  const marks = Array.from({ length: secret.length }, () => false);
  for (const { 0: part, index } of secret.matchAll(/[A-Za-z0-9]+/g)) {
    if (index + part.length <= publicEnd || WORDS.test(part)) continue;
    marks.fill(true, index, index + part.length);
  }
  return marks;
}

/** A word in lower case, upper case or capitalized; or several capitalized ones without a space. */
const WORDS = /^(?:[A-Z]?[a-z]{1,15}|[A-Z]{1,15}|(?:[A-Z][a-z]{2,14})+)$/;

/** The length of a bot token's id; 0 for another secret. */
function publicLength(secret: string): number {
  const [, id = ""] = /^([\w-]+)\.[\w-]+\.[\w-]+$/.exec(secret) ?? [];
  return ID_IN_BASE64.test(id) ? id.length : 0;
}

/** Base64 of 15 to 21 decimal digits. */
const ID_IN_BASE64 = /^(?:[MNO][DTjz][AEIMQUYcgk][0-5w-z]){5,7}[\w-]{0,3}$/;
