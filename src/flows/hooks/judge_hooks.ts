/** Judges whether the bot may write where its hooks send events, for `barnacle doctor` (W3). */

import { titled } from "../../core/checks.ts";
import { pathTo } from "../../core/config_file.ts";
import type { Finding } from "../../core/finding.ts";
import { type HookRules, placeOfHook } from "../../core/hooks/hook.ts";
import { quoted } from "../../lib/text/quoted.ts";
import type { SeenGuild } from "../preflight/permissions.ts";

const NEEDED: readonly string[] = ["View Channel", "Send Messages"];

/**
 * Judges the places of hooks.
 *
 * @param hooks Those of one account.
 */
export function judgeHooks(
  hooks: Readonly<Record<string, Pick<HookRules, "to">>>,
  guilds: readonly SeenGuild[],
): readonly Finding[] {
  const entries = Object.entries(hooks);
  if (entries.length === 0) return [];
  const channels = guilds.flatMap(({ details }) => details?.channels ?? []);
  const areAllKnown = guilds.every(({ details }) => details !== undefined);
  const wrong = entries.flatMap(([name, rules]): readonly Finding[] => {
    const to = placeOfHook(rules);
    if (to.kind !== "channel") return [];
    const where = pathTo(pathTo("hooks", name), "to");
    const channel = channels.find(({ id }) => id === to.channelId);
    const lacking = channel?.missing.find(({ permission }) => NEEDED.includes(permission));
    if (channel && lacking) {
      return [{
        ...ABOUT,
        status: "fail",
        where,
        why: `the hook ${
          quoted(name)
        } cannot write in #${channel.name}: ${lacking.permission} is missing`,
        fix: `give the bot ${lacking.permission} there`,
      }];
    }
    if (channel || !areAllKnown) return [];
    return [{
      ...ABOUT,
      status: "warn",
      where,
      why: `the place of the hook ${
        quoted(name)
      } is no channel that the bot sees; a thread is not checked`,
      fix: "correct the id, or invite the bot with `barnacle invite`",
    }];
  });
  const count = entries.length === 1 ? "1 hook" : `${entries.length} hooks`;
  return wrong.length > 0
    ? wrong
    : [{ ...ABOUT, status: "pass", why: `${count}: the bot may write in their places` }];
}

const ABOUT = titled("discord.hooks");
