/**
 * The answers of a setup, and the order of its steps. A step takes the answers so far and returns
 * more of them, so going back is the same as beginning.
 */

import type { ApplicationId, ChannelId, GuildId, UserId } from "../../../core/discord/ids.ts";
import type { Named } from "../../../core/inbound/inbound.ts";
import type { ProviderKind } from "../../../config/models.ts";

export type SetupPerson = Named<UserId>;

export interface BotIdentity {
  readonly applicationId: ApplicationId;
  readonly name: string;
  /** The application's flags, which include the granted intents. */
  readonly flags: number;
  /** Whether "Requires OAuth2 Code Grant" is on, which makes every invite fail. */
  readonly needsCodeGrant: boolean;
  /** The owner, or the joined members of the team, its owner first. */
  readonly owners: readonly SetupPerson[];
  /** The team's name; absent if a person owns the application. */
  readonly team?: string;
}

/** A server in which the bot may answer. */
export interface PlaceAnswer extends Named<GuildId> {
  /** `"all"`, or the chosen channels; absent until the user has chosen. */
  readonly channels?: "all" | readonly Named<ChannelId>[];
  /** Channels of the server that the user has not chosen. */
  readonly others?: readonly Named<ChannelId>[];
}

/** The examples that are whole configs; a name is that of the file in `examples/`. */
export const EXAMPLE_NAMES = ["one-agent", "two-agents", "many-agents", "voice"] as const;

export type ExampleName = typeof EXAMPLE_NAMES[number];

export interface ExampleChannel extends Named<ChannelId> {
  readonly of: string;
}

export interface ExampleAnswer {
  readonly name: ExampleName;
  /** Channels of the example that the user has; absent until they are known. */
  readonly channels?: readonly ExampleChannel[];
}

export interface SetupModel {
  /** The first part of `<provider>/<model>`. */
  readonly providerId: string;
  readonly name: string;
  readonly kind: ProviderKind;
  /** Absent for an address that Barnacle knows by the provider's name. */
  readonly baseUrl?: string;
  /** The API key; absent if the server needs none. */
  readonly key?: string;
  /** Whether its requests may cost money. */
  readonly isPaid: boolean;
  /** Prices of a million tokens, as its server tells them. */
  readonly prices?: TokenPrices;
  /** Whether Barnacle or the config knows its price. */
  readonly isPriced?: boolean;
}

export interface TokenPrices {
  /** Of requests. */
  readonly input: number;
  /** Of answers. */
  readonly output: number;
}

export type LimitAnswer =
  /** Without prices, Barnacle or the config knows them. */
  | { readonly kind: "money"; readonly perDay: number; readonly prices?: TokenPrices }
  | { readonly kind: "tokens"; readonly perDay: number }
  | { readonly kind: "none" };

export interface SetupState {
  /** Absent: the config has the answers only. */
  readonly example?: ExampleAnswer;
  /** The bot token. */
  readonly token?: string;
  /** The bot that the token belongs to. */
  readonly bot?: BotIdentity;
  /** Whether the privileged intents are decided. */
  readonly intents?: "settled";
  /** Empty: direct messages only. */
  readonly places?: readonly PlaceAnswer[];
  /** Servers of the bot that the user has not chosen. */
  readonly otherPlaces?: readonly Named<GuildId>[];
  /** The person who owns the bot. */
  readonly owner?: SetupPerson;
  /** `"none"`: the user decides later. */
  readonly model?: SetupModel | "none";
  /** Only for a paid model. */
  readonly limit?: LimitAnswer;
}

export type SetupStep =
  | "token"
  | "codeGrant"
  | "intents"
  | "servers"
  | "channels"
  | "owner"
  | "model"
  | "limit"
  | "write";

/** The first step whose answer is missing. */
export function nextStep(state: SetupState): SetupStep {
  if (state.token === undefined || !state.bot) return "token";
  if (state.bot.needsCodeGrant) return "codeGrant";
  if (!state.intents) return "intents";
  if (!state.places) return "servers";
  if (state.places.some(({ channels }) => channels === undefined)) return "channels";
  if (!state.owner) return "owner";
  if (!state.model) return "model";
  if (state.model !== "none" && state.model.isPaid && !state.limit) return "limit";
  return "write";
}

export interface WholeAnswers extends Required<Omit<SetupState, "example" | "intents">> {
  /** Absent: the config has the answers only. */
  readonly example?: ExampleAnswer;
}

/** The answers, if none is missing. */
export function wholeAnswers(state: SetupState): WholeAnswers | undefined {
  const { example, token, bot, places, otherPlaces = [], owner, model } = state;
  const { limit = { kind: "none" } } = state;
  if (nextStep(state) !== "write" || token === undefined) return undefined;
  return bot && places && owner && model
    ? { example, token, bot, places, otherPlaces, owner, model, limit }
    : undefined;
}

/** The chapter of a step, as the user sees it. */
export const CHAPTERS: Readonly<Record<SetupStep, readonly [number: number, title: string]>> = {
  token: [1, "Discord bot"],
  codeGrant: [1, "Discord bot"],
  intents: [1, "Discord bot"],
  servers: [2, "Your server"],
  channels: [2, "Your server"],
  owner: [3, "You"],
  model: [4, "Model"],
  limit: [4, "Model"],
  write: [5, "Write and start"],
};
