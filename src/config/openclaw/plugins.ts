/**
 * Whether an `openclaw.json` has Discord switched off where today's OpenClaw has it: as a plugin.
 *
 * @module
 */

import type { Place } from "./rules.ts";
import { entryAt, entryOf, plainOf, put } from "./tree.ts";
import type { Container, Part } from "../text/json5.ts";
import { isList, valueAt } from "../text/tree.ts";

/** A bot that was off stays off: what is left behind of plugins must not start it. */
export function withPlugins(made: Container, source: Part, { note }: Place): Container {
  const plugins = entryAt(source, "plugins");
  const off = plugins && switchedOff(plainOf(plugins.value));
  if (!plugins || off === undefined) return made;
  note("changed", off, plugins.line, "Discord is off by it, so channels.discord.enabled is false");
  return put(made, ["channels", "discord", "enabled"], entryOf("enabled", false));
}

/** The key that does it. */
function switchedOff(plugins: unknown): string | undefined {
  const [allow, deny] = [valueAt(plugins, ["allow"]), valueAt(plugins, ["deny"])];
  if (valueAt(plugins, ["enabled"]) === false) return "plugins.enabled";
  if (isList(deny) && deny.includes("discord")) return "plugins.deny";
  if (isList(allow) && !allow.includes("discord")) return "plugins.allow";
  const own = valueAt(plugins, ["entries", "discord", "enabled"]);
  return own === false ? "plugins.entries.discord.enabled" : undefined;
}
