/** Finds the person or place that a command line names: by id, or by a name that the store knows once. */

import { type AccountId, parseSnowflake, type UserId } from "../../core/discord/ids.ts";
import {
  parseTarget,
  parseUser,
  type Target,
  type TargetProblem,
} from "../../core/outbound/target.ts";
import { restoreIndex } from "../../discord/gateway/decode/guild_index.ts";
import { quoted } from "../../lib/text/quoted.ts";
import type { Store } from "../../store/store.ts";
import { knownPeople } from "./known_people.ts";
import { findPlace } from "./place.ts";

/** Finds a person. @param text An id, `"<@id>"`, `"@name"` or `"name"`. */
export async function findUser(text: string, store: Store): Promise<UserId | TargetProblem> {
  const name = text.trim().replace(/^@/, "").toLowerCase();
  const people = await knownPeople(store, await store.gateway.accountIds());
  const ids = [...people].filter(([, other]) => other.toLowerCase() === name).map(([id]) => id);
  const userId = parseUser(text) ?? (ids.length === 1 && parseSnowflake<"user">(ids[0] ?? ""));
  return userId || {
    kind: "problem",
    problem: `${ids.length > 1 ? ids.join(" and ") : "no known person"} has the name ${
      quoted(text)
    }`,
    hint: "an id or <@id>: with Discord's developer mode on, a person's menu copies it",
  };
}

/** Finds a target. @param text As of `parseTarget`, `"@name"`, `"#name"`, `"name"` or `"guild/name"`. */
export async function findTarget(
  text: string,
  store: Store,
  accountId: AccountId,
): Promise<Target | TargetProblem> {
  const target = parseTarget(text);
  if (target.kind !== "problem") return target;
  if (text.startsWith("@")) {
    const user = await findUser(text, store);
    return typeof user === "string" ? { kind: "user", userId: user } : user;
  }
  const found = findPlace(text, restoreIndex(await store.gateway.guildsOf(accountId)).index);
  if (found.kind === "problem") return { ...target, problem: found.problem };
  return found.guildId ? { kind: "channel", channelId: found.channelId } : target;
}
