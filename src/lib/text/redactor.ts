/**
 * Removes known secrets from text, wherever they appear.
 *
 * A pattern finds text that looks like a secret. This finds the secrets themselves, in any form.
 */

export const REDACTED = "[redacted]";

/** Minimum characters of a secret. Removing a shorter value would leave no readable text. */
export const SECRET_MIN = 4;

/** Creates a redactor that knows no secret yet. */
export function createRedactor() {
  let pattern: RegExp | undefined;
  /** Characters of the shortest secret: no shorter text can contain one. */
  let shortest = Infinity;
  const known = new Set<string>();
  return {
    /**
     * Adds a secret, also in its JSON, URL and HTML spellings. Ignores one shorter than {@link SECRET_MIN}.
     */
    add(secret: string): void {
      if (secret.length < SECRET_MIN) return;
      for (const form of spellingsOf(secret)) known.add(form);
      // The longest first: of two secrets, one may begin the other.
      const forms = [...known].sort((a, b) => b.length - a.length);
      shortest = forms.at(-1)?.length ?? Infinity;
      pattern = new RegExp(forms.map((form) => RegExp.escape(form)).join("|"), "g");
    },
    /** Replaces each known secret in a text by {@link REDACTED}. */
    clean: (text: string): string =>
      pattern && text.length >= shortest ? text.replace(pattern, REDACTED) : text,
  };
}

const HTML: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** The ways in which a secret is written that need no effort to read. */
function spellingsOf(secret: string): readonly string[] {
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret.toWellFormed()),
    secret.replace(/[&<>"']/g, (char) => HTML[char] ?? char),
  ];
}
