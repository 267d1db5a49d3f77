/**
 * Takes known secrets out of text, wherever they turn up.
 *
 * A pattern finds what looks like a secret; this finds what is one, however it
 * looks. It belongs before every outlet, not before one.
 *
 * @module
 */

/** What stands in a secret's place. */
export const REDACTED = "[redacted]";

/** Characters below which a value is no secret: taking it out would leave no text. */
export const SECRET_MIN = 4;

export interface Redactor {
  /** From now on this is a secret, also within JSON or a URL. */
  add(secret: string): void;
  /** The text without any of them. */
  clean(text: string): string;
}

export function createRedactor(): Redactor {
  let pattern: RegExp | undefined;
  const known = new Set<string>();
  return {
    add(secret) {
      if (secret.length < SECRET_MIN) return;
      for (const form of spellingsOf(secret)) known.add(form);
      // The longest first: of two secrets, one may begin the other.
      const forms = [...known].sort((a, b) => b.length - a.length);
      pattern = new RegExp(forms.map((form) => RegExp.escape(form)).join("|"), "g");
    },
    clean: (text) => pattern ? text.replace(pattern, REDACTED) : text,
  };
}

/** The ways in which a secret is written that need no effort to read. */
function spellingsOf(secret: string): readonly string[] {
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret.toWellFormed()),
  ];
}
