/**
 * Discord ids.
 *
 * An id stays a string from the socket to the database. A snowflake does not fit in a JavaScript
 * number, and a bigint does not survive `JSON.stringify`.
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

/**
 * Brands ids with the kind of object that they name. It has no value at runtime.
 *
 * @internal
 */
declare const kind: unique symbol;

/** A Discord id: an unsigned 64-bit integer in decimal, such as `"175928847299117063"`. */
export type Snowflake<Kind extends string = string> = string & { readonly [kind]: Kind };

/**
 * Id of a Discord account: of a person or a bot. A webhook's id stands here, too, for a message's
 * author.
 */
export type UserId = Snowflake<"user">;
/** Id of a guild, which people call a server. */
export type GuildId = Snowflake<"guild">;
/** Id of a channel, a thread or a direct message channel. */
export type ChannelId = Snowflake<"channel">;
/** Id of a message. {@link createdAtMs} tells when Discord received it. */
export type MessageId = Snowflake<"message">;
/** Id of a guild's role. The guild's own id is the id of its `@everyone` role. */
export type RoleId = Snowflake<"role">;
/** Id of a Discord application. A bot made after 2016 has the same number as user id. */
export type ApplicationId = Snowflake<"application">;

/**
 * Brands account ids. It has no value at runtime.
 *
 * @internal
 */
export declare const account: unique symbol;

/** Name of one of our bot accounts: a key of `channels.discord.accounts`, in lower case. */
export type AccountId = string & { readonly [account]: true };

/** Reads an account's name from the operator's text, in any case. */
export function toAccountId(text: string): AccountId {
  return text.toLowerCase() as AccountId;
}

/** Unix time in milliseconds of the start of 2015, from which snowflakes count. */
export const DISCORD_EPOCH_MS = 1_420_070_400_000;

const MAX_SNOWFLAKE = 2n ** 64n - 1n;
/** Digits of {@link MAX_SNOWFLAKE}; a number with fewer fits into 64 bits. */
const MAX_DIGITS = 20;

/**
 * Reads an id from outside: config, command line, gateway or REST.
 *
 * The caller names the kind. The digits do not tell a user from a channel.
 *
 * @param text Decimal digits, without sign, spaces or leading zeros.
 * @returns The id, or `undefined` if `text` is not a positive 64-bit integer.
 */
export function parseSnowflake<Kind extends string>(text: string): Snowflake<Kind> | undefined {
  if (!/^[1-9]\d{0,19}$/.test(text)) return undefined;
  if (text.length === MAX_DIGITS && BigInt(text) > MAX_SNOWFLAKE) return undefined;
  return text as Snowflake<Kind>;
}

/** Reads an id in a payload; `undefined` for anything else. */
export function readSnowflake<Kind extends string>(given: unknown): Snowflake<Kind> | undefined {
  return typeof given === "string" ? parseSnowflake<Kind>(given) : undefined;
}

const IDS_PER_MS = 2 ** 22;
/** Digits at an id's end that are read as a number of their own, because a double holds no id. */
const LOW_DIGITS = 10;
const ZERO = "0".charCodeAt(0);
const WHOLE_MS_OF_HIGH = Math.floor(10 ** LOW_DIGITS / IDS_PER_MS);
const IDS_OF_HIGH = 10 ** LOW_DIGITS % IDS_PER_MS;

/**
 * When the object behind an id was created.
 *
 * The top 42 bits of a snowflake count milliseconds since Discord's epoch. The 22 bits below them
 * (worker, process, increment) carry no time and are dropped, so two messages of the same
 * millisecond give the same answer.
 *
 * @returns Unix time in milliseconds, UTC: `1462015105796` for `"175928847299117063"`.
 * @see {@link https://docs.discord.com/developers/reference#snowflakes}
 */
export function createdAtMs(id: Snowflake): number {
  const highDigits = id.length - LOW_DIGITS;
  let high = 0;
  let low = 0;
  for (let place = 0; place < id.length; place++) {
    const digit = id.charCodeAt(place) - ZERO;
    if (place < highDigits) high = high * 10 + digit;
    else low = low * 10 + digit;
  }
  // All of these numbers are whole and below 2 ** 53, so nothing is rounded.
  const restMs = Math.floor((high * IDS_OF_HIGH + low) / IDS_PER_MS);
  return high * WHOLE_MS_OF_HIGH + restMs + DISCORD_EPOCH_MS;
}

/**
 * Makes an id for an object of our own, which sorts among Discord's by its time.
 *
 * @param ms Unix time in milliseconds, from 2015 on.
 * @param number Tells objects of the same millisecond apart; only its lowest 22 bits count.
 */
export function snowflakeAt<Kind extends string>(ms: number, number: number): Snowflake<Kind> {
  const low = BigInt(number) % BigInt(IDS_PER_MS);
  const id = BigInt(Math.max(1, Math.floor(ms) - DISCORD_EPOCH_MS)) * BigInt(IDS_PER_MS) + low;
  return String(id) as Snowflake<Kind>;
}

/** Compares two ids by number: negative if `a` is older. */
export function compareIds(a: Snowflake, b: Snowflake): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}
