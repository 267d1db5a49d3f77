/**
 * What is written, is not built in this version, and cannot be left out either.
 *
 * A key that is not built has no effect, which a warning tells. Without some of them, though,
 * somebody would be answered, or by an agent, in a place or at a cost, that the file says no to.
 * Nobody reads warnings of a bot that answers, so such a file is an error.
 *
 * @module
 */

import { type Section, writtenSections } from "./schema/accounts.ts";
import { NO_GOOGLE } from "./models.ts";
import { quoted } from "../lib/text/quoted.ts";
import { entriesAt, isList, type Segment, valueAt } from "./text/tree.ts";

/** A key that keeps the config from being used, and what its writer can do. */
export interface Refused {
  readonly path: readonly Segment[];
  readonly message: string;
  readonly hint: string;
}

/** All such keys of a file that is valid otherwise. */
export function refusedIn(value: unknown): readonly Refused[] {
  return [
    ...assignments(value),
    ...bindings(value),
    ...budgets(value),
    ...filteredMentions(value),
    ...googleProviders(value),
  ];
}

function assignments(value: unknown): readonly Refused[] {
  const path = ["router", "assignments"];
  return entriesAt(value, path).flatMap(([agentId, assignment]): readonly Refused[] => {
    const here = [...path, agentId];
    if (valueAt(assignment, ["role"]) === "passive") {
      return [{
        path: [...here, "role"],
        message: '"passive" is not implemented yet: the agent would answer',
        hint: 'deny its channels in channels.discord.guilds, "allow": false',
      }];
    }
    return otherAgent(value, agentId, here);
  });
}

function bindings(value: unknown): readonly Refused[] {
  const list = valueAt(value, ["bindings"]);
  if (!isList(list)) return [];
  return list.flatMap((binding, index) =>
    otherAgent(value, valueAt(binding, ["agentId"]), ["bindings", index])
  );
}

/** What is meant for another agent would be answered by the first, with its prompt and its memory. */
function otherAgent(
  value: unknown,
  agentId: unknown,
  path: readonly Segment[],
): readonly Refused[] {
  const first = valueAt(value, ["agents", "list", 0, "id"]) ?? "main";
  if (agentId === first) return [];
  return [{
    path,
    message: `Only the first agent, ${quoted(String(first))}, answers in this version, here too`,
    hint: `remove this, or put ${quoted(String(agentId))} first in agents.list`,
  }];
}

/** Money that its writer meant to keep would be spent. */
function budgets(value: unknown): readonly Refused[] {
  return entriesAt(value, ["budgets"]).flatMap(([of, budget]) =>
    entriesAt(budget, []).map(([bound]) => ({
      path: ["budgets", of, bound],
      message: `${quoted(bound)} is not implemented yet: the bot would answer beyond it`,
      hint: "remove it, and set a limit where the model is paid for",
    }))
  );
}

/** It could not answer, and who names it should hear so before a message comes. */
function googleProviders(value: unknown): readonly Refused[] {
  return entriesAt(value, ["models", "providers"])
    .filter(([, provider]) => valueAt(provider, ["kind"]) === "google")
    .map(([id]) => ({ path: ["models", "providers", id, "kind"], ...NO_GOOGLE }));
}

/** The filter denies what mentions nobody; a mention that it should judge would be answered. */
function filteredMentions(value: unknown): readonly Refused[] {
  return writtenSections(value).flatMap((section) => {
    const filters = intentFilters(section);
    if (!filters.some(({ filter }) => valueAt(filter, ["enabled"]) === true)) return [];
    const key = "alwaysRespondToMentions";
    return filters.filter(({ filter }) => valueAt(filter, [key]) === false).map(({ path }) => ({
      path: section.at([...path, key]),
      message: `"${key}" is not implemented yet: every mention would be answered`,
      hint: 'remove it, or set "enabled" to false in each intentFilter',
    }));
  });
}

interface Filter {
  /** Below `channels.discord`. */
  readonly path: readonly Segment[];
  readonly filter: unknown;
}

/** Those of all guilds, of each guild and of each channel. */
function intentFilters({ value }: Section): readonly Filter[] {
  const filters: Filter[] = [];
  const look = (place: unknown, path: () => readonly Segment[]): void => {
    const filter = valueAt(place, ["intentFilter"]);
    if (filter !== undefined) filters.push({ path: [...path(), "intentFilter"], filter });
  };
  look(value, () => []);
  for (const [key, guild] of entriesAt(value["guilds"])) {
    look(guild, () => ["guilds", key]);
    for (const [name, channel] of entriesAt(valueAt(guild, ["channels"]))) {
      look(channel, () => ["guilds", key, "channels", name]);
    }
  }
  return filters;
}
