/** Names the places where people see the effects of calls (T4). */

import type { ChannelId, GuildId, UserId } from "../discord/ids.ts";

export type SeenAt =
  /** Absent: the turn's channel. `isListed`: all who see the channel in the list, also without Connect. */
  | {
    readonly kind: "channel";
    readonly id?: ChannelId | undefined;
    readonly isListed?: true;
  }
  /** Each member of a server sees it; absent: the turn's server. */
  | { readonly kind: "guild"; readonly id?: GuildId | undefined }
  /** The direct messages of a person. */
  | { readonly kind: "person"; readonly id: UserId }
  /** The voice channel in which a person is; absent: that of the bot. */
  | { readonly kind: "voice"; readonly id?: UserId }
  /** The asker's own account at a service (T13a). */
  | { readonly kind: "account"; readonly id?: undefined }
  /** `by`: the key of the config that says so; absent: the bot itself shows it to all. */
  | { readonly kind: "everyone"; readonly by?: string; readonly id?: undefined };

export interface Effect {
  readonly at: SeenAt;
  /** Everything that the call chooses beside the place, if that is one text. */
  readonly text?: string | undefined;
  /** An address that the call reads from: its server sees it. */
  readonly address?: string | undefined;
  /** Set if it copies the content of another channel, whose readers its probe checks. */
  readonly isCopy?: true | undefined;
}

/** Reads the effect of a call, or its place. */
export interface Seen<Given extends readonly unknown[], Result> {
  at(...given: Given): Result;
}

/** The effect of a call by its arguments. */
export function effectAt(at: SeenAt, given: Readonly<Record<string, unknown>>): Effect {
  const [text, ...more] = Object.values(given).filter((one) => one !== undefined && one !== at.id);
  const isOne = typeof text === "string" && more.length === 0;
  return { at, text: isOne ? text : undefined, address: addressIn(given["mediaUrl"]) };
}

/** The address that a source of a file is; `undefined` for other sources. */
export function addressIn(source: unknown): string | undefined {
  return typeof source === "string" && /^\s*https?:/i.test(source) ? source.trim() : undefined;
}
