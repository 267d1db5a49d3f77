/**
 * Finds keys that are not implemented, and without which the bot would do too much.
 *
 * Most keys without effect get a warning. But without some of them, the bot would answer in a
 * place, or as an agent, that the config forbids. Operators do not read warnings while
 * the bot works, so these are errors.
 */

import { quoted } from "../lib/text/quoted.ts";
import { entriesAt, isList, type KeyFault, type Segment, textOf, valueAt } from "./text/tree.ts";

/** All such keys of an otherwise valid file. */
export function refusedIn(value: unknown): readonly KeyFault[] {
  return [...assignments(value), ...bindings(value)];
}

function assignments(value: unknown): readonly KeyFault[] {
  const path = ["router", "assignments"];
  return entriesAt(value, path).flatMap(([agentId, assignment]): readonly KeyFault[] => {
    const here = [...path, agentId];
    if (valueAt(assignment, ["role"]) === "passive") {
      return [{
        path: [...here, "role"],
        message: '"passive" is not implemented yet: the agent would answer in these channels',
        hint: 'deny its channels in channels.discord.guilds, "allow": false',
      }];
    }
    return otherAgent(value, agentId, here);
  });
}

function bindings(value: unknown): readonly KeyFault[] {
  const list = valueAt(value, ["bindings"]);
  if (!isList(list)) return [];
  return list.flatMap((binding, index) =>
    otherAgent(value, valueAt(binding, ["agentId"]), ["bindings", index])
  );
}

/** The first agent would answer messages for another agent, with its own prompt and memory. */
function otherAgent(
  value: unknown,
  agentId: unknown,
  path: readonly Segment[],
): readonly KeyFault[] {
  const first = valueAt(value, ["agents", "list", 0, "id"]) ?? "main";
  if (agentId === first) return [];
  return [{
    path,
    message: `Only the first agent, ${quoted(textOf(first))}, answers in this version`,
    hint: `remove this, or put ${quoted(textOf(agentId))} first in agents.list`,
  }];
}
