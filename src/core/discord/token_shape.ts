/**
 * Tells the form of a text that was set as bot token, for an operator who copied something else.
 */

/** Kinds of text that people set as token. */
export type TokenShape =
  | "token"
  | "client secret"
  | "public key"
  | "webhook URL"
  | "id"
  | "user token"
  | "something else";

/** Words for each kind, after "is" or "looks like"; none for a token. */
export const SHAPE_WORDS: Readonly<Partial<Record<TokenShape, string>>> = {
  "client secret": "the application's client secret",
  "public key": "the application's public key",
  "webhook URL": "the URL of a webhook",
  "id": "an ID",
  "user token": "the token of a user account",
};

const SHAPES: readonly (readonly [TokenShape, RegExp])[] = [
  ["user token", /^mfa\.[\w-]{20,}$/],
  ["token", /^[\w-]{16,}\.[\w-]{4,}\.[\w-]{16,}$/],
  ["webhook URL", /^https?:\/\/[^/]*\bdiscord(?:app)?\.com\/api\/(?:v\d+\/)?webhooks\//],
  ["public key", /^[0-9a-f]{64}$/],
  ["client secret", /^[\w-]{32}$/],
  ["id", /^\d{17,20}$/],
];

/** Finds the form of a text. Its content does not count. */
export function shapeOfToken(token: string): TokenShape {
  return SHAPES.find(([, pattern]) => pattern.test(token))?.[0] ?? "something else";
}

/**
 * Whether a text is most likely a bot token, so that no message repeats it. Its first part is the
 * application's id in Base64, which begins like this for ids of 18 or 19 digits.
 */
export function looksLikeToken(text: string): boolean {
  return /^(?:Bot )?[MNO][\w-]{22,27}\.[\w-]{4,}\.[\w-]{16,}$/.test(text.trim());
}
