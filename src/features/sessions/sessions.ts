/**
 * `barnacle sessions`: lists conversations, and begins their transcripts anew (S2, S4a), with and without a
 * running bot.
 */

import { inColumns, printLines } from "../../cli/shared/columns.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import { readConfigLeniently, type SlugOf, slugsIn } from "../../cli/shared/read_config.ts";
import { withStore } from "../../cli/shared/with_store.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { knownChannels } from "../../cli/verdict/named.ts";
import { quoted } from "../../lib/text/quoted.ts";
import { timeText } from "../../lib/text/units.ts";
import { sessionNameOf } from "../../session/session.ts";
import type { ListedSession } from "../../store/sessions/sessions.ts";
import type { Store } from "../../store/store.ts";

/** UTF-16 units of a key in a problem. */
const KEY_CHARS = 200;

/** Lists all sessions, the one with the newest entry first. */
export function list(flags: CommonFlags, io: Io): Promise<ExitCode> {
  return withStore(flags, io, async (store) => {
    const all = await namedSessions(
      store,
      slugsIn(await readConfigLeniently(flags.config, io.env)),
    );
    if (flags.json) {
      io.out(JSON.stringify(all.map(({ newest: _, ...session }) => session)));
      return EXIT.done;
    }
    if (all.length === 0) io.err("No sessions yet.");
    const rows = all.map((session) => [
      titleOf(session),
      `${session.open} shown`,
      `${session.current - session.open} folded`,
      `${session.entries} in all`,
      timeText(session.lastAt),
      session.sessionKey,
    ]);
    printLines(inColumns(rows), io);
    return EXIT.done;
  });
}

/** Begins a new transcript under the same key. */
export function reset(flags: CommonFlags, key: string, io: Io): Promise<ExitCode> {
  return withStore(flags, io, async ({ sessions }) => {
    const all = await sessions.list();
    if (!all.some(({ sessionKey }) => sessionKey === key)) {
      const why = `no session ${quoted(key, KEY_CHARS)}`;
      io.problem(`${why}; \`barnacle sessions list\` shows the keys`);
      return EXIT.failed;
    }
    const left = await sessions.reset(key, "command", Date.now());
    if (flags.json) io.out(JSON.stringify({ sessionKey: key, leftBehind: left }));
    else if (left === 0) io.err("The transcript is new already; nothing changed.");
    else io.out(`Began a new transcript; ${left} entries stay stored, and the model sees none`);
    return EXIT.done;
  });
}

/** A session with the name of its place, as the bot's servers have it. */
type NamedSession = ListedSession & { readonly name?: string };

/** All sessions. Those whose messages are deleted or forgotten have the name of their channel now. */
async function namedSessions(
  { sessions, gateway }: Store,
  slugOf?: SlugOf,
): Promise<readonly NamedSession[]> {
  const all = await sessions.list();
  const isGone = all.some(({ newest }) => !newest);
  const channels = await knownChannels({ gateway }, isGone ? await gateway.accountIds() : []);
  const names = new Map<string, string>(channels.map(({ id, name, guild, guildId }) => {
    const place = { guild: { id: guildId, name: guild }, channel: { id, name } };
    return [id, sessionNameOf({ kind: "guild", ...place }, slugOf?.(guildId))];
  }));
  return all.map((one) => ({
    ...one,
    name: nameOf(one, slugOf) ??
      names.get(/:discord:channel:(\d+)$/.exec(one.sessionKey)?.[1] ?? ""),
  }));
}

/** The display name (S2); `undefined` for direct messages, and if nothing tells it any more. */
function nameOf({ newest }: ListedSession, slugOf?: SlugOf): string | undefined {
  const { place } = newest ?? {};
  return place?.kind === "guild" ? sessionNameOf(place, slugOf?.(place.guild.id)) : undefined;
}

/** The display name; of direct messages, the person's name. */
function titleOf(session: NamedSession): string {
  return session.name ?? session.newest?.sender.username ?? "";
}
