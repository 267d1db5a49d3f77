/** Judges whether the bot has the rights that hooks and events of servers need (W3, W7). */

import { pathTo } from "../../core/config_file.ts";
import type { Finding } from "../../core/finding.ts";
import { hookText, isEntry, pathOfHook, placeOfHook } from "../../core/hooks/hook.ts";
import { countText } from "../../lib/text/units.ts";
import type { SeenGuild } from "../../flows/preflight/permissions.ts";

const NEEDED: readonly string[] = ["View Channel", "Send Messages"];

interface Rules {
  readonly to: string;
  readonly event?: string;
  readonly where?: readonly string[];
}

export function judgeEventPlaces(
  hooks: Readonly<Record<string, Rules>>,
  guilds: readonly SeenGuild[],
): readonly Finding[] {
  const entries = Object.entries(hooks);
  if (entries.length === 0) return [];
  const about = { id: "discord.hooks", what: "Hooks" } as const;
  const channels = guilds.flatMap(({ details }) => details?.channels ?? []);
  const areAllKnown = guilds.every(({ details }) => details !== undefined);
  let unknown = 0;
  const wrong = entries.flatMap(([name, rules]): readonly Finding[] => {
    const to = rules.to === "" ? undefined : placeOfHook(rules); // "": where it happens
    const channel = to?.kind === "channel" && channels.find(({ id }) => id === to.channelId);
    const blind = guilds.find(({ id, lacksAuditLog, details }) =>
      lacksAuditLog && rules.event === "role_given" && // Discord tells it by this log alone
      (rules.where?.includes(`guild:${id}`) ?? details?.channels.some((one) => one === channel))
    );
    if (blind) {
      const why = `${hookText(name)} learns of no role in ${blind.name}: View Audit Log is missing`;
      const fix = "give it to the bot's role in the settings of the server";
      return [{ ...about, status: "fail", where: pathTo(pathOfHook(name), "event"), why, fix }];
    }
    if (to?.kind !== "channel") return [];
    const where = pathTo(pathOfHook(name), isEntry(name) ? "post" : "to");
    if (channel) {
      const lacking = channel.missing.find(({ permission }) => NEEDED.includes(permission));
      if (!channel.isForum && !lacking) return [];
      const why = channel.isForum ? "it is a forum" : `${lacking?.permission} is missing`;
      return [{
        ...about,
        status: "fail",
        where,
        why: `${hookText(name)} cannot write in #${channel.name}: ${why}`,
        fix: channel.isForum
          ? "name a text channel, or a post of the forum"
          : `give the bot ${lacking?.permission} there`,
      }];
    }
    if (!areAllKnown) {
      unknown++;
      return [];
    }
    return [{
      ...about,
      status: "warn",
      where,
      why: `the place of ${hookText(name)} is no channel that the bot sees; ` +
        "a thread is not checked",
      fix: "correct the id, or invite the bot with `barnacle invite`",
    }];
  });
  if (wrong.length > 0) return wrong;
  const count = countText(entries.length, "hook");
  return unknown === 0
    ? [{ ...about, status: "pass", why: `${count}: the bot may write in their places` }]
    : [{
      ...about,
      status: "skipped",
      why: `places in servers whose channels are not read: ${unknown} of ${count}`,
    }];
}
