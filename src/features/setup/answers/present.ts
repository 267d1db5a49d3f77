/** Reads the answers that a config has already: each is the first choice of its question (O3). */

import type { LoadedConfig } from "../../../config/load.ts";
import { choiceOf } from "../../../config/models.ts";
import { DEFAULT_ACCOUNT } from "../../../config/schema/accounts.ts";
import { entriesAt, isList, valueAt } from "../../../config/text/edit.ts";
import { parseSnowflake, type UserId } from "../../../core/discord/ids.ts";
import type { Named } from "../../../core/inbound/inbound.ts";
import type { Env } from "../../../lib/env.ts";
import { settingsOf } from "../../../cli/models/model_settings.ts";
import type { ModelSettings } from "../../../providers/settings.ts";

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
    model: choice && !("kind" in choice) ? settingsOf(choice, config.models.currency) : undefined,
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
