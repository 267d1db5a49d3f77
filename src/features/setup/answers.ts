/**
 * The answers of a setup, and the order of its steps. A step takes the answers so far and returns
 * more of them, so going back is the same as beginning. The answers that a config has already are the
 * first choice of each question (O3).
 */

import type { Io } from "../../cli/terminal/io.ts";
import { modelSettingsOf } from "../../cli/models/model_settings.ts";
import type { LoadedConfig } from "../../config/load.ts";
import { choiceOf, type ProviderKind } from "../../config/models.ts";
import { DEFAULT_ACCOUNT } from "../../config/schema/accounts.ts";
import { entriesAt, isList, valueAt } from "../../config/text/edit.ts";
import {
  type ApplicationId,
  type ChannelId,
  type GuildId,
  parseSnowflake,
  type UserId,
} from "../../core/discord/ids.ts";
import type { Named } from "../../core/inbound/inbound.ts";
import type { Env } from "../../lib/env.ts";
import type { ListedModel } from "../../providers/choice/list_models.ts";
import type { ModelSettings } from "../../providers/settings.ts";
import type { HostMachine } from "../service/machine.ts";
import type { Dialogue } from "./dialogue.ts";

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
  readonly prices?: ListedModel["prices"];
  /** Whether its server, Barnacle or the config knows its price. */
  readonly isPriced: boolean;
}

export type LimitAnswer =
  /** Without prices, Barnacle or the config knows them. */
  | { readonly kind: "money"; readonly perDay: number; readonly prices?: ListedModel["prices"] }
  | { readonly kind: "tokens"; readonly perDay: number }
  | { readonly kind: "none" };

export interface SetupState {
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

export type WholeAnswers = Required<Omit<SetupState, "intents">>;

/** The answers, if none is missing. */
export function wholeAnswers(state: SetupState): WholeAnswers | undefined {
  const { token, bot, places, otherPlaces = [], owner, model, limit = { kind: "none" } } = state;
  if (nextStep(state) !== "write" || token === undefined) return undefined;
  return bot && places && owner && model
    ? { token, bot, places, otherPlaces, owner, model, limit }
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

/** What each step works with. */
export interface SetupContext {
  readonly io: Io;
  readonly dialogue: Dialogue;
  readonly present: Present;
  /** Base URL of Discord's REST API. */
  readonly api: string;
  readonly machine: HostMachine;
}

/** Answers of the config; none is there for a new one. */
export interface Present {
  /** The bot token, if the file names it and it can be read. */
  readonly token?: string;
  /** `guilds` of the file: an entry by the server's id or name; absent if it has none. */
  readonly guilds?: ReadonlyMap<string, unknown>;
  /** Those of `commands.ownerAllowFrom` by id. */
  readonly owners: readonly UserId[];
  /** The first choice of `agents.defaults.model`, with its key. */
  readonly model?: ModelSettings;
  /** As a person types it: `"2.5"`, `"1000 tokens"` or `"none"`. */
  readonly limit?: string;
}

const DISCORD = ["channels", "discord"] as const;

/** The answers of the file, for the account `default`. */
export function presentIn({ config, written }: LoadedConfig, env: Env): Present {
  const isWritten = (...path: readonly string[]) => valueAt(written, path) !== undefined;
  const { token } = config.accounts.find(({ accountId }) => accountId === DEFAULT_ACCOUNT) ?? {};
  const owners = valueAt(written, ["commands", "ownerAllowFrom"]);
  const name = valueAt(written, ["agents", "defaults", "model"]);
  const primary = valueAt(name, ["primary"]) ?? name;
  const choice = typeof primary === "string"
    ? choiceOf(primary, { ...config.models, namesPath: "" }, env)
    : undefined;
  const { moneyPerDay, tokensPerDay } = config.budgets.total ?? {};
  return {
    token: isWritten(...DISCORD, "token") ? token?.reveal() : undefined,
    guilds: isWritten(...DISCORD, "guilds")
      ? new Map(entriesAt(written, [...DISCORD, "guilds"]))
      : undefined,
    owners: (isList(owners) ? owners : []).flatMap((id) =>
      parseSnowflake<"user">(String(id)) ?? []
    ),
    model: choice && !("kind" in choice)
      ? modelSettingsOf(choice, config.models.currency)
      : undefined,
    limit: moneyPerDay !== undefined
      ? String(moneyPerDay)
      : tokensPerDay !== undefined
      ? `${tokensPerDay} tokens`
      : choice && "none",
  };
}

/** The key of an entry about a server or a channel, which is its id or its name. */
export function keyOf(
  entries: ReadonlyMap<string, unknown> | undefined,
  { id, name }: Named<string>,
): string | undefined {
  const plain = name.toLowerCase();
  return [...entries?.keys() ?? []]
    .find((key) => key === id || key.replace(/^#/, "").toLowerCase() === plain);
}

/** The channels that an entry about a server lists; `undefined` if it may answer in all. */
export function listedIn(
  guilds: Present["guilds"],
  server: Named<string>,
): ReadonlyMap<string, unknown> | undefined {
  const entry = guilds?.get(keyOf(guilds, server) ?? "");
  if (valueAt(entry, ["channels"]) === undefined || valueAt(entry, ["channels", "*"])) {
    return undefined;
  }
  return new Map(entriesAt(entry, ["channels"]));
}
